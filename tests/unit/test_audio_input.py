"""Audio features of models, streamed and whole: from their own encoder, the published one, or one in a file beside them."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import clip_seed, rollout, stream
from dheads_model.errors import UserError
from dheads_model.files import sha256_of
from dheads_model.media.features import log_filterbank
from dheads_model.media.video import decode_video
from dheads_model.network.audio_input import encode_clip_audio, encode_speech, open_window_encoder
from dheads_model.network.export import load_export, save_export
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import resize_frames
from dheads_model.shards.reader import read_shard
from tests.factories.media import speech
from tests.factories.networks import SMALL, settled
from tests.factories.settings import plain_diffusion, plain_sampling
from tests.factories.shards import pack
from tests.workflow import call
from workflow_scripts import sample_videos

PUBLISHED = dataclasses.replace(SMALL, audio_encoder="published", audio_channels=256, audio_code_channels=24)
ELSEWHERE = dataclasses.replace(SMALL, audio_encoder="none", audio_channels=3)
SETTINGS = plain_sampling(steps=2, guidance_scale=1.5, clips_at_once=1)
SOUND = speech(640 * 9)


class Counting(nn.Module):
    """Stands for an archive of unknown layers: hears the loudest sample, and how long it has been listening."""

    def forward(self, window, length, init_state):
        heard = torch.stack([window.amax(), init_state[0, 0, 0], window[0, 0, 1600]])
        return heard[None], length, init_state + 1.0


def make(settings: NetworkSettings) -> TalkingModel:
    torch.manual_seed(0)
    model = settled(TalkingModel(settings, plain_diffusion())).requires_grad_(False)
    if settings.audio_encoder == "published":  # freshly initialised, it hardly hears
        for layer in model.audio_encoder.encoder.cl:
            layer.weight.mul_(4)
    return model


@pytest.fixture(params=["conv", "published", "none"])
def hearing(request, tmp_path):
    """(model, what turns its sound into embeddings)."""
    if request.param == "none":
        torch.jit.script(Counting()).save(tmp_path / "audio_encoder.pt")
        known = {"file": "audio_encoder.pt", "sha256": sha256_of(tmp_path / "audio_encoder.pt")}
        model = make(ELSEWHERE)
        return model, open_window_encoder(model, {"audio_encoder": known}, tmp_path / "audio_encoder.pt")
    model = make({"conv": SMALL, "published": PUBLISHED}[request.param])
    return model, open_window_encoder(model, {}, None)


def whole(model, encoder, sound=SOUND):
    return encode_clip_audio(encoder, sound, log_filterbank(sound, model.network_settings.feature_bands))


def test_what_is_streamed_is_what_a_clip_gives(hearing):
    streamed = torch.stack(list(encode_speech(*hearing, iter(SOUND.reshape(-1, 640)))))
    torch.testing.assert_close(streamed, whole(*hearing), atol=1e-4 if hearing[1] is None else 0, rtol=0)
    assert list(encode_speech(*hearing, iter([]))) == []


def test_a_streamed_video_is_that_of_the_workflow(hearing):
    model, encoder = hearing
    face = torch.rand(3, 16, 16) * 2 - 1
    streamed = list(stream(model, face, encode_speech(model, encoder, iter(SOUND.reshape(-1, 640))), SETTINGS, 5))
    (video,) = rollout(model, face[None], [whole(model, encoder)], SETTINGS, [5])
    assert np.abs(np.stack(streamed).astype(int) - video).max() <= 1  # features are equal up to float32's rounding


def test_other_sound_makes_another_video(hearing):
    model, encoder = hearing
    heard = whole(model, encoder)
    assert (heard - whole(model, encoder, SOUND // 8)).abs().max() > 1e-2
    first, second = (rollout(model, torch.zeros(1, 3, 16, 16), [part], SETTINGS, [5])[0] for part in (heard, heard + 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("threads", [1, 2])
def test_embeddings_do_not_depend_on_threads(threads):
    model = make(PUBLISHED)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = whole(model, open_window_encoder(model, {}, None))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    torch.set_num_threads(1)
    try:
        assert torch.equal(found, whole(model, model.audio_encoder))
    finally:
        torch.set_num_threads(before)


def test_a_frame_waits_for_as_little_sound_as_it_can(hearing):
    model, encoder = hearing
    given = []

    def sound():
        for number, frame in enumerate(SOUND.reshape(-1, 640)):
            given.append(number)
            yield frame

    frames = stream(model, torch.zeros(3, 16, 16), encode_speech(model, encoder, sound()), SETTINGS, 0)
    next(frames)
    ahead = 1 if encoder is None else 2
    assert given == list(range(1 + 2 + ahead))  # its own, that of two frames of the window, what hearing waits for


def test_the_published_encoder_travels_with_the_model(tmp_path):
    model = make(PUBLISHED)
    config = {"network": PUBLISHED, "diffusion": plain_diffusion()}
    save_export(tmp_path / "model.safetensors", model.state_dict(), config, {})
    loaded, _, facts = load_export(tmp_path / "model.safetensors")
    assert torch.equal(whole(loaded, open_window_encoder(loaded, facts, None)), whole(model, model.audio_encoder))
    assert not any(
        parameter.requires_grad for parameter in TalkingModel(PUBLISHED, plain_diffusion()).audio_encoder.parameters()
    )


def test_the_encoder_beside_a_model_must_be_its_own(tmp_path):
    torch.jit.script(Counting()).save(tmp_path / "audio_encoder.pt")
    model = make(ELSEWHERE)
    for facts in ({}, {"audio_encoder": None}):
        with pytest.raises(UserError, match=r"import it again together with its audio_encoder\.pt"):
            open_window_encoder(model, facts, tmp_path / "audio_encoder.pt")
    known = {"audio_encoder": {"file": "audio_encoder.pt", "sha256": "0" * 64}}
    with pytest.raises(UserError, match=r"embeddings of audio_encoder\.pt \(sha256 0000"):
        open_window_encoder(model, known, None)
    with pytest.raises(UserError, match=r"has sha256 .* not the expected 0000"):
        open_window_encoder(model, known, tmp_path / "audio_encoder.pt")
    with pytest.raises(UserError, match="needs no audio encoder beside it"):
        open_window_encoder(make(SMALL), known, tmp_path / "audio_encoder.pt")


def test_sizes_that_do_not_fit_the_published_encoder():
    with pytest.raises(UserError, match=r"audio_channels must be 256 with network\.audio_encoder published, not 6"):
        dataclasses.replace(SMALL, audio_encoder="published")


@pytest.mark.parametrize("settings", [SMALL, PUBLISHED], ids=["conv", "published"])
def test_the_workflow_samples_with_either_encoder(settings, tmp_path):
    shard = pack(tmp_path, split="test", lengths={"a_1": 5})
    model = make(settings)
    config = {"network": settings, "diffusion": plain_diffusion(), "conditioning_augmentation": {"audio_drop": 0.1}}
    save_export(tmp_path / "model.safetensors", model.state_dict(), config, {})
    sampling = plain_sampling(steps=2, guidance_scale=1.5)
    method = {"kind": "model", "run": "ours", "gpus": 0, "sampling": dataclasses.asdict(sampling)}
    call(
        sample_videos.main, settings=method, model=str(tmp_path / "model.safetensors"), shard=shard, seed=1, threads=1,
        checksum=None, published_audio_encoder=None, videos_folder=tmp_path / "videos", manifest=tmp_path / "videos/00000.json",
        subset=None, part="0000", clips=(0, 9), state=tmp_path / "state",
    )  # fmt: skip
    (clip,) = read_shard(shard)
    face = to_model_range(torch.from_numpy(resize_frames(clip.frames[:1], 16)))
    heard = whole(model, open_window_encoder(model, {}, None), clip.audio)
    (video,) = rollout(model, face, [heard], sampling, [clip_seed(1, "a_1")])
    made = decode_video(tmp_path / "videos/a_1.mp4")
    assert made.shape == (5, 32, 32, 3)
    assert np.abs(resize_frames(video, 32).astype(int) - made).mean() < 12  # the video is compressed
