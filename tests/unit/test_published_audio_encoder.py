"""Windows and carried state of the published audio encoder; the released file itself is not needed."""

import hashlib
import weakref

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.published.audio_encoder import (
    SDAAudioEncoder,
    audio_windows,
    embed_speech,
    script_audio_encoder,
    sda_audio_encoder,
    stream_windows,
)
from dheads_model.published.checkpoint_files import read_checkpoint
from tests.factories.media import speech
from tests.factories.networks import settled


class Counting(nn.Module):
    """Called as the released encoder is: remembers how often, and hears the loudest sample."""

    def forward(self, window: Tensor, lengths: Tensor, init_state: Tensor):
        state = init_state + 1.0
        embedding = torch.cat([window.amax()[None], state.flatten()[:1], lengths.float()])
        return embedding[None], window, state


class TwoResults(nn.Module):
    def forward(self, window: Tensor, lengths: Tensor, init_state: Tensor):
        return window, init_state


class OtherNames(nn.Module):
    def forward(self, window: Tensor, lengths: Tensor, hidden: Tensor):
        return window, lengths, hidden


def save_script(module: nn.Module, path) -> str:
    torch.jit.script(module.eval()).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("samples", "frames"), [(640, 1), (1279, 1), (1280, 2), (16000, 25), (16639, 25)])
def test_one_window_a_whole_frame(samples, frames):
    assert audio_windows(np.zeros(samples, np.int16)).shape == (frames, 3200)


def test_windows_are_centred_on_their_frames():
    ramp = np.arange(-6400, 6400, dtype=np.int16)
    windows = audio_windows(ramp)
    assert windows.dtype == torch.float32
    for frame in range(20):
        first = 640 * frame - 1280
        expected = [ramp[k] / 32768 if 0 <= k < len(ramp) else 0.0 for k in range(first, first + 3200)]
        assert windows[frame].tolist() == expected
    assert windows[0, :1280].abs().max() == 0
    assert windows[0, 1280] == -6400 / 32768
    assert windows[-1, -1280:].abs().max() == 0


def test_an_impulse_is_in_five_windows():
    samples = np.zeros(640 * 11, np.int16)
    samples[640 * 5 + 320] = -32768
    windows = audio_windows(samples)
    assert [int(row.argmin()) for row in windows if row.any()] == [2880, 2240, 1600, 960, 320]
    assert windows.min() == -1
    assert windows[5, 1600] == -1


@pytest.mark.parametrize("frames", [1, 2, 3, 11])
def test_streamed_windows_are_those_of_the_whole(frames):
    samples = speech(640 * frames)
    assert torch.equal(torch.stack(list(stream_windows(iter(samples.reshape(-1, 640))))), audio_windows(samples))


def test_a_window_waits_for_two_frames_and_five_are_held():
    given = []

    def frames():
        for number in range(300):
            frame = np.full(640, number, np.int16)
            given.append(weakref.ref(frame))
            yield frame

    windows = stream_windows(frames())
    next(windows)
    assert len(given) == 3
    for _ in range(200):
        next(windows)
    assert len(given) == 203
    assert sum(frame() is not None for frame in given) <= 6
    assert sum(1 for _ in windows) == 99
    assert list(stream_windows([])) == []


@pytest.mark.parametrize("samples", [np.zeros(639, np.int16), np.zeros(640, np.float32), np.zeros((640, 1), np.int16)])
def test_other_sound_is_refused(samples):
    with pytest.raises(ValueError, match=r"samples must be int16 \[N\]"):
        audio_windows(samples)


def test_the_state_starts_at_zero_and_is_carried(tmp_path):
    encoder = script_audio_encoder(tmp_path / "e.pt", save_script(Counting(), tmp_path / "e.pt"))
    samples = speech(640 * 6)
    for _ in range(2):  # a second clip begins anew
        embeddings = embed_speech(encoder, samples)
        assert embeddings.shape == (6, 3)
        assert embeddings[:, 1].tolist() == [1, 2, 3, 4, 5, 6]
        assert embeddings[:, 2].unique().tolist() == [3200]
        assert torch.equal(embeddings[:, 0], audio_windows(samples).amax(dim=1))


def test_only_the_known_file_is_run(tmp_path, monkeypatch):
    digest = save_script(Counting(), tmp_path / "e.pt")
    opened = []
    monkeypatch.setattr(torch.jit, "load", lambda *given, **named: opened.append(given))
    with pytest.raises(UserError, match=f"has sha256 {digest}, not the expected {'0' * 64}; it was not opened"):
        script_audio_encoder(tmp_path / "e.pt", "0" * 64)
    for short in (digest[:10], "", digest.upper()):
        with pytest.raises(UserError, match="as 64 hex digits"):
            script_audio_encoder(tmp_path / "e.pt", short)
    with pytest.raises(UserError, match="cannot be read: No such file"):
        script_audio_encoder(tmp_path / "none.pt", digest)
    assert not opened


def test_archives_of_another_kind(tmp_path):
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(UserError, match="is no TorchScript archive"):
        script_audio_encoder(tmp_path / "text", hashlib.sha256(b"no archive").hexdigest())
    for module in (TwoResults(), OtherNames(), nn.SiLU()):
        encoder = script_audio_encoder(tmp_path / "e.pt", save_script(module, tmp_path / "e.pt"))
        with pytest.raises(UserError, match="no audio encoder of the published kind"):
            embed_speech(encoder, speech(640))


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    made = settled(SDAAudioEncoder(48))
    for name, buffer in made.named_buffers():
        if buffer.is_floating_point():
            buffer.copy_(0.1 * torch.randn(buffer.shape) + name.endswith("var"))
    return made


def test_sizes_of_sda():
    count = sum(parameter.numel() for parameter in SDAAudioEncoder(256).parameters())
    assert count == pytest.approx(1.49e6, rel=0.005)
    columns, seen = torch.zeros(1, 1, 3200), []
    for convolution in SDAAudioEncoder(256).encoder.cl:
        columns = convolution(columns)
        seen.append(columns.shape[2])
    assert seen == [200, 100, 50, 25, 5, 1]


def test_sda_embeds_as_its_definition_says(encoder):
    samples = speech(640 * 7)
    embeddings = embed_speech(encoder, samples)
    assert embeddings.shape == (7, 256)
    # Codes of all windows at once, then the recurrent layers over the whole clip.
    x = audio_windows(samples)[:, None]
    for number in range(5):
        x = encoder.encoder.activations[number](encoder.encoder.cl[number](x))
    codes = torch.tanh(encoder.encoder.cl[5](x))[:, :, 0]
    with torch.no_grad():
        expected, _ = encoder.rnn(codes[None])
    torch.testing.assert_close(embeddings, expected[0], atol=1e-5, rtol=0)
    assert (embeddings[1:] - embeddings[:-1]).abs().max() > 1e-3


def test_embeddings_depend_on_all_sound_before_and_on_two_frames_after(encoder):
    samples = speech(640 * 12)
    before = embed_speech(encoder, samples)

    def changed(place: int) -> list[int]:
        other = samples.copy()
        other[place : place + 640] += 4000
        return (embed_speech(encoder, other) - before).abs().amax(dim=1).nonzero().flatten().tolist()

    assert changed(640 * 6) == list(range(4, 12))
    assert changed(0)[:8] == list(range(8))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_weights_come_out_of_a_file_without_running_it(encoder, tmp_path):
    torch.jit.trace(encoder, (torch.zeros(1, 1, 3200), torch.zeros(2, 1, 256))).save(tmp_path / "audio_encoder.pt")
    loaded = sda_audio_encoder(read_checkpoint(tmp_path / "audio_encoder.pt").tensors)
    samples = speech(640 * 3)
    assert torch.equal(embed_speech(loaded, samples), embed_speech(encoder, samples))
    assert not loaded.training


def test_weights_that_do_not_fit_are_refused(encoder):
    state = encoder.state_dict()
    wrong = {
        "rnn.weight_hh_l1 is missing": {k: v for k, v in state.items() if k != "rnn.weight_hh_l1"},
        "linear.weight is left over": state | {"linear.weight": torch.ones(1)},
        "encoder.cl.5.weight is missing or no convolution": {},
        r"rnn\.weight_hh_l0 is torch\.float32 \[1024, 256\] where": state | {"rnn.weight_hh_l0": torch.ones(1024, 256)},
        "rnn.bias_hh_l0 is torch.int64": state | {"rnn.bias_hh_l0": torch.ones(768, dtype=torch.int64)},
        "holds values that are not finite": state | {"rnn.bias_hh_l0": torch.full((768,), float("nan"))},
    }
    for message, given in wrong.items():
        with pytest.raises(UserError, match=message):
            sda_audio_encoder(given)
