"""The command from photo and speech to video: what it writes, what it refuses, and that it holds little at a time."""

import dataclasses
import gc
import itertools
import re
import warnings
import weakref
from pathlib import Path

import av
import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from skimage.data import astronaut, chelsea
from torch import Tensor, nn

from dheads_model import Talker
from dheads_model import talker as module
from dheads_model.errors import ClipFailed, UserError
from dheads_model.generate import main
from dheads_model.media import speech as speech_module
from dheads_model.media.audio import load_speech, read_audio, stream_speech, write_wav
from dheads_model.media.encode import encode_video, write_video_stream
from dheads_model.media.features import log_filterbank, stream_log_filterbank
from dheads_model.media.speech import speech_frames
from dheads_model.media.video import decode_video
from dheads_model.network.talking_model import TalkingModel
from dheads_model.published.audio_encoder import SDAAudioEncoder
from dheads_model.published.import_model import main as import_main
from dheads_model.talker import talk
from dheads_model.talker_settings import read_config, sampling_of
from tests.factories.checkpoints import PUBLISHED as RELEASED
from tests.factories.checkpoints import Names, published_state
from tests.factories.media import noise
from tests.factories.networks import settled
from tests.factories.settings import plain_diffusion, plain_sampling
from tests.factories.talker import METHODS, SAMPLING, export
from tests.media_fixtures import write_media


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> dict[str, str]:
    """Arguments that work: a photo, two seconds of sound and a tiny model."""
    folder = tmp_path_factory.mktemp("given")
    Image.fromarray(astronaut()).save(folder / "face.png")
    write_wav(folder / "speech.wav", noise(2.01))
    export(folder / "model.safetensors", METHODS)
    return {
        "--identity": str(folder / "face.png"),
        "--audio": str(folder / "speech.wav"),
        "--model": str(folder / "model.safetensors"),
        "--out": str(folder / "out/talk.mp4"),
    }


def run(given: dict[str, str], *more: str) -> int:
    return main([*itertools.chain(*given.items()), *more])


def test_a_photo_and_a_voice_become_a_video(given, capfd):
    assert run(given) == 0
    printed, told = capfd.readouterr()
    assert printed == f"wrote {given['--out']}: 50 frames (2.0 s) of 128 x 128 pixels with audio, seed 0\n"
    assert "50/50" in told
    assert "frames/s" in told
    with av.open(given["--out"]) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.average_rate, video.frames, video.width, video.height) == (25, 50, 128, 128)
        assert (sound.rate, sound.channels, sound.duration * sound.time_base) == (16_000, 1, 2)
    frames, heard = decode_video(given["--out"]), read_audio(given["--out"], 0.0, 50)
    assert len(frames) == 50
    assert not np.array_equal(frames[10], frames[40])
    assert len(heard) == 50 * 640
    said = load_speech(given["--audio"])[: len(heard)]
    assert np.corrcoef(said, heard)[0, 1] > 0.8
    assert [path.name for path in Path(given["--out"]).parent.iterdir()] == ["talk.mp4"]


def test_equal_inputs_give_equal_bytes_and_the_seed_another_video(given, tmp_path):
    write_wav(tmp_path / "word.wav", noise(0.4))

    def made(name: str, *more: str) -> bytes:
        assert run({**given, "--audio": str(tmp_path / "word.wav"), "--out": str(tmp_path / name)}, *more) == 0
        return (tmp_path / name).read_bytes()

    first = made("a.mp4")
    assert made("b.mp4") == made("c.mp4", "--seed", "0") == first
    assert made("d.mp4", "--seed", "1") != first
    assert made("e.mp4", "--guidance-scale", "1") != first
    assert made("f.mp4", "--steps", "3") != first


def test_real_stills_and_real_speech(given, tmp_path, samples):
    for still, sound, frames in (
        ("crema_img05.png", "audio/emotalkingface_speech01.wav", 72),
        ("aflw-test.jpg", "audio/sda_audio.wav", 75),
        ("obama2.jpg", "video/grid/bbaf2n.mpg", 74),
    ):
        out = tmp_path / f"{still}.mp4"
        arguments = {**given, "--identity": str(samples / "image" / still), "--audio": str(samples / sound)}
        assert run({**arguments, "--out": str(out)}, "--steps", "1", "--guidance-scale", "1") == 0
        assert len(decode_video(out)) == frames


def test_the_framing_is_the_models_where_its_export_records_it(given, tmp_path, capsys):
    crop = {**read_config(None, METHODS)["crop"], "size": 64}
    model = export(tmp_path / "model.safetensors", {"crop": crop, **METHODS})
    arguments = {**given, "--model": str(model), "--out": str(tmp_path / "talk.mp4")}
    assert run(arguments, "--steps", "1") == 0
    printed, told = capsys.readouterr()
    assert "64 x 64" in printed
    assert "settings of crop: those of the model" in told
    assert "settings of align: those of the config, since the model records none" in told


def test_a_config_is_laid_over_the_default(given, tmp_path, capsys):
    (tmp_path / "more.yaml").write_text(
        "crop: {size: 96}\nmethods: {ours: {sampling: {steps: 1, guidance_scale: 1.0}}}\n"
    )
    config = read_config(tmp_path / "more.yaml", METHODS)
    assert config["crop"] == {**read_config(None, METHODS)["crop"], "size": 96}
    assert sampling_of(config, None).steps == 1
    assert sampling_of(config, "ours").sampler == "euler"
    arguments = {**given, "--out": str(tmp_path / "talk.mp4")}
    assert run(arguments, "--config", str(tmp_path / "more.yaml")) == 0
    assert "96 x 96" in capsys.readouterr().out


def test_a_model_is_sampled_as_its_run_says(given, tmp_path, capsys):
    write_wav(tmp_path / "word.wav", noise(0.2))
    few = {**SAMPLING, "sampler": "heun", "steps": 3, "guidance_scale": 1.0, "hide_mouth": False}
    model = export(tmp_path / "model.safetensors", {"methods": {"few": few}})
    arguments = {
        **given,
        "--audio": str(tmp_path / "word.wav"),
        "--model": str(model),
        "--out": str(tmp_path / "a.mp4"),
    }

    def told(*more: str) -> str:
        assert run(arguments, *more) == 0
        return next(line for line in capsys.readouterr().err.splitlines() if line.startswith("settings of sampling"))

    assert told() == "settings of sampling: those of the model (heun, 3 steps, guidance 1)"
    assert (
        told("--steps", "2") == "settings of sampling: those of the model, steps over them (heun, 2 steps, guidance 1)"
    )
    (tmp_path / "more.yaml").write_text("methods: {few: {sampling: {guidance_scale: 3.0}}}")
    assert "more.yaml over them (heun, 3 steps, guidance 3)" in told("--config", str(tmp_path / "more.yaml"))


def test_the_guidance_of_a_corpus_is_lowered_for_photos_unless_it_is_asked_for(given, tmp_path, capsys):
    write_wav(tmp_path / "word.wav", noise(0.1))
    model = export(tmp_path / "model.safetensors", {"methods": {"ours": {**SAMPLING, "guidance_scale": 5.0}}})
    files = {"--audio": str(tmp_path / "word.wav"), "--model": str(model), "--out": str(tmp_path / "a.mp4")}
    (tmp_path / "more.yaml").write_text("methods: {ours: {sampling: {steps: 2}}}")
    for more, guidance in (
        ((), "1.5"),
        (("--guidance-scale", "4"), "4"),
        (("--config", str(tmp_path / "more.yaml")), "5"),
    ):
        assert run({**given, **files}, *more) == 0
        assert f"2 steps, guidance {guidance})" in capsys.readouterr().err


@pytest.mark.parametrize(("facts", "guidance"), [({}, 1.5), ({"dataset": "embedded"}, 1.5), ({"dataset": "grid"}, 4.0)])
def test_a_model_of_real_faces_keeps_its_guidance_for_photos(tmp_path, facts, guidance):
    methods = {"methods": {"ours": {**SAMPLING, "guidance_scale": 4.0}}}
    assert (
        Talker.load(export(tmp_path / "model.safetensors", methods | facts)).settings.sampling.guidance_scale
        == guidance
    )


def test_the_help_names_every_default(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    described = told[told.index("options:") :]
    optional = re.findall(
        r"--(?:seed|config|audio-encoder|method|steps|guidance-scale) [A-Z_]+ (.*?)(?= --[a-z-]+ [A-Z_]|$)", described
    )
    assert len(optional) == 6
    assert all(re.search(r"\(.+\)$", words) for words in optional), optional


def test_a_frame_that_leaves_the_photo_is_warned_of(given, tmp_path, capsys, caplog):
    tight = astronaut()[60:230, 150:300]  # no room above the hair
    Image.fromarray(tight).save(tmp_path / "tight.png")
    arguments = {**given, "--out": str(tmp_path / "a.mp4")}
    assert run({**arguments, "--identity": str(tmp_path / "tight.png")}, "--steps", "1", "--guidance-scale", "1") == 0
    (told,) = [record.getMessage() for record in caplog.records if "beyond the edge" in record.getMessage()]
    assert re.search(r"warning: \d+ % of the video's frame lie beyond the edge of .*tight\.png", told)
    caplog.clear()
    assert run(arguments, "--steps", "1", "--guidance-scale", "1") == 0
    assert not caplog.records


def test_a_model_of_several_methods_wants_one_of_them_named(given, tmp_path, capsys):
    facts = {"methods": {"slow": {**SAMPLING, "steps": 4}, "fast": {**SAMPLING, "steps": 1}}}
    model = export(tmp_path / "model.safetensors", facts)
    arguments = {**given, "--model": str(model), "--out": str(tmp_path / "a.mp4")}
    assert "are fast, slow; choose one of them with --method" in refusal(arguments, capsys)
    assert sampling_of(read_config(None, facts), "fast").steps == 1


def test_a_model_that_records_no_sampling_is_not_guessed_at(given, tmp_path, capsys):
    model = export(tmp_path / "model.safetensors", {})
    arguments = {**given, "--model": str(model), "--out": str(tmp_path / "a.mp4")}
    assert "records no settings of sampling, as models that were exported earlier; give the config" in refusal(
        arguments, capsys
    )
    (tmp_path / "run.yaml").write_text("methods: {ours: {sampling: {steps: 1, blinks_per_second: 0.0}}}")
    assert run(arguments, "--config", str(tmp_path / "run.yaml")) == 0
    assert "settings of sampling: those of the default config," in capsys.readouterr().err


def fake_stream(monkeypatch, steps: list[int]):
    """Frames at once instead of by the model; steps: how many features were asked for at each."""

    def frames(model, identity, features, settings, seed):
        asked = 0
        for asked, _ in enumerate(features, 1):
            steps.append(asked)
            yield np.full((16, 16, 3), asked % 256, np.uint8)

    monkeypatch.setattr(module, "stream", frames)


def test_frames_and_sound_come_one_by_one(given, tmp_path, monkeypatch):
    write_wav(tmp_path / "long.wav", np.tile(noise(10.0), 12))
    read, steps = [], []
    real = speech_module.stream_speech

    def counted(path):
        for samples in real(path):
            read.append(weakref.ref(samples))
            yield samples

    monkeypatch.setattr(speech_module, "stream_speech", counted)
    fake_stream(monkeypatch, steps)
    face, speech = np.zeros((16, 16, 3), np.uint8), speech_frames(tmp_path / "long.wav")
    pairs = talk(Talker.load(given["--model"]), face, speech, plain_sampling(), 0)
    next(pairs)
    assert len(read) <= 2
    for _ in itertools.islice(pairs, 1000):
        pass
    assert (steps[-1], len(read)) == (1001, 1002)
    gc.collect()
    assert sum(reference() is not None for reference in read) < 100  # itertools.tee lets go of blocks of 57
    assert sum(1 for _ in pairs) == 3000 - 1001


def test_encoding_holds_no_frames(tmp_path):
    given, most = [], 0

    def pairs():
        nonlocal most
        for number in range(500):
            picture = np.full((16, 16, 3), number % 256, np.uint8)
            given.append(weakref.ref(picture))
            most = max(most, sum(reference() is not None for reference in given))
            yield picture, np.zeros(640, np.int16)

    assert write_video_stream(tmp_path / "talk.mp4", pairs()) == 500
    assert most <= 3
    assert len(decode_video(tmp_path / "talk.mp4")) == 500


def test_a_streamed_video_is_that_of_the_whole(tmp_path):
    frames = np.stack([astronaut()[at : at + 64, 190:254] for at in range(40)])
    sound = noise(1.6)
    assert write_video_stream(tmp_path / "talk.mp4", zip(frames, sound.reshape(-1, 640), strict=True)) == 40
    assert (tmp_path / "talk.mp4").read_bytes() == encode_video(frames, sound)


def test_nothing_is_written_when_frames_stop_with_an_error(tmp_path):
    (tmp_path / "talk.mp4").write_text("before")

    def pairs(count: int):
        for _ in range(count):
            yield np.zeros((16, 16, 3), np.uint8), np.zeros(640, np.int16)
        if count:
            raise UserError("the sound stops")

    for count, kind in ((5, UserError), (0, ValueError)):
        with pytest.raises(kind):
            write_video_stream(tmp_path / "talk.mp4", pairs(count))
        assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_streamed_sound_is_the_sound_of_the_whole(tmp_path, samples):
    late = write_media(tmp_path / "late.mkv", [k / 25 for k in range(50)], 10, click=1.0, audio_start=0.3)
    for path in (late, samples / "audio/sda_audio.wav", samples / "video/talking/retalking_1.mp4"):
        whole = load_speech(path)
        frames = np.stack(list(stream_speech(path)))
        assert frames.shape == (len(whole) // 640, 640)
        np.testing.assert_array_equal(frames.reshape(-1), whole[: frames.size])


def test_gaps_in_the_sound_are_silence(monkeypatch):
    pieces = [
        (at, 0, np.full(size, value, np.int16)) for at, size, value in ((1.0, 1000, 1), (1.1, 500, 2), (1.12, 1500, 3))
    ]
    monkeypatch.setattr("dheads_model.media.audio._pieces", lambda path: iter(pieces))
    heard = np.concatenate(list(stream_speech("x")))
    values, starts, counts = np.unique(heard, return_index=True, return_counts=True)
    assert values.tolist() == [0, 1, 2, 3]
    assert starts.tolist() == [1000, 0, 1600, 2100]
    assert counts.tolist() == [600, 1000, 500, 1100]
    pieces[1] = (5000.0, 0, np.ones(500, np.int16))
    with pytest.raises(ClipFailed, match="pauses for"):
        list(stream_speech("x"))


@pytest.mark.parametrize("frames", [1, 2, 3, 30])
def test_streamed_features_are_those_of_the_whole(frames):
    sound = noise(frames / 25)
    whole = log_filterbank(sound, 40).reshape(frames, 4, 40)
    streamed = np.stack(list(stream_log_filterbank(iter(sound.reshape(-1, 640)), 40)))
    np.testing.assert_allclose(streamed, whole, atol=1e-4)


class Beside(nn.Module):
    """An audio encoder of layers that nobody knows, called as the released one."""

    def __init__(self):
        super().__init__()
        self.heard = nn.Linear(3200, 256)

    def forward(self, window: Tensor, length: Tensor, init_state: Tensor):
        return self.heard(window)[0], length, init_state


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """A folder with files in the released forms, of random weights: the UNet as TorchScript and as a Lightning
    checkpoint, and two audio encoders."""
    folder = tmp_path_factory.mktemp("released")
    torch.manual_seed(0)
    network = dataclasses.replace(
        RELEASED, image_size=8, base_channels=256, channel_multiples=(1,), attention_sizes=(), head_channels=64,
        audio_channels=256,
    )  # fmt: skip
    state = published_state(settled(TalkingModel(network, plain_diffusion(parameterization="ddpm"))).unet)
    torch.jit.script(Names(state)).save(folder / "crema_script.pt")
    torch.save({"state_dict": {f"unet.{name}": value for name, value in state.items()}}, folder / "crema.ckpt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        silence = torch.zeros(1, 1, 3200), torch.zeros(2, 1, 256)
        torch.jit.trace(settled(SDAAudioEncoder(16)), silence).save(folder / "audio_encoder.pt")
    torch.jit.script(Beside()).save(folder / "other_encoder.pt")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("unet", ["crema_script.pt", "crema.ckpt"])
def test_released_weights_become_a_video(given, released, unet, tmp_path, capfd):
    write_wav(tmp_path / "word.wav", noise(0.2))
    model = tmp_path / "model.safetensors"
    command = ["--unet", str(released / unet), "--audio-encoder", str(released / "audio_encoder.pt")]
    import_main([*command, "--output", str(model), "--image-size", "8"])
    arguments = {
        **given,
        "--audio": str(tmp_path / "word.wav"),
        "--model": str(model),
        "--out": str(tmp_path / "a.mp4"),
    }
    talker = Talker.load(model)
    assert talker.settings.sampling.sampler == "ancestral_ddpm"
    assert run(arguments, "--steps", "2") == 0
    assert len(decode_video(tmp_path / "a.mp4")) == 5
    # Guidance and a hidden mouth are of no use to it, and it says so.
    assert "never with a dropped audio condition; set sampling.guidance_scale to 1" in refusal(
        arguments, capfd, "--guidance-scale", "5"
    )
    (tmp_path / "more.yaml").write_text("methods: {ours: {sampling: {hide_mouth: true}}}")
    assert "never with the mouth hidden in the motion frames" in refusal(
        arguments, capfd, "--config", str(tmp_path / "more.yaml")
    )
    (tmp_path / "more.yaml").write_text("methods: {ours: {sampling: {anchor_every: 15, steps: 2}}}")
    anchored = sampling_of(read_config(tmp_path / "more.yaml", talker.facts), None)
    assert (anchored.sampler, anchored.anchor_every, anchored.guidance_scale) == ("ancestral_ddpm", 15, 1)
    assert run(arguments, "--config", str(tmp_path / "more.yaml")) == 0


@pytest.mark.slow
def test_released_weights_with_an_encoder_of_unknown_layers(given, released, tmp_path, capfd):
    write_wav(tmp_path / "word.wav", noise(0.2))
    model, beside = tmp_path / "model.safetensors", str(released / "other_encoder.pt")
    command = ["--unet", str(released / "crema.ckpt"), "--audio-encoder", beside, "--image-size", "8"]
    import_main([*command, "--output", str(model)])
    arguments = {
        **given,
        "--audio": str(tmp_path / "word.wav"),
        "--model": str(model),
        "--out": str(tmp_path / "a.mp4"),
    }
    assert "give that file as the published audio encoder" in refusal(arguments, capfd)
    wrong = str(released / "audio_encoder.pt")
    assert "it was not opened" in refusal(arguments, capfd, "--audio-encoder", wrong)
    assert run(arguments, "--steps", "2", "--audio-encoder", beside) == 0
    assert len(decode_video(tmp_path / "a.mp4")) == 5


def refusal(given: dict[str, str], capsys, *more: str) -> str:
    """The one sentence with which the command ends."""
    capsys.readouterr()
    assert run(given, *more) == 2
    printed, told = capsys.readouterr()
    assert printed == ""
    *_, last = told.splitlines()
    assert last.startswith("error: ")
    assert "Traceback" not in told
    return last


def test_unusable_photos(given, tmp_path, capsys, samples):
    def refuse(path, message: str):
        assert message in refusal({**given, "--identity": str(path), "--out": str(tmp_path / "x.mp4")}, capsys)
        assert not (tmp_path / "x.mp4").exists()

    refuse(tmp_path / "none.jpg", "there is no image")
    refuse(given["--audio"], "is not a readable image")
    Image.fromarray(chelsea()).save(tmp_path / "cat.png")
    refuse(tmp_path / "cat.png", "no face was found in")
    refuse(samples / "image/dog_liveportrait_s30.jpg", "no face was found in")
    refuse(samples / "image/two_people.jpg", "shows 2 faces of similar size")
    Image.fromarray(astronaut()).resize((200, 200)).save(tmp_path / "small.png")
    refuse(tmp_path / "small.png", "is too small")


def test_unusable_sound(given, tmp_path, capsys, samples):
    def refuse(path, message: str):
        assert message in refusal({**given, "--audio": str(path), "--out": str(tmp_path / "x.mp4")}, capsys)

    refuse(tmp_path / "none.wav", "there is no audio file")
    refuse(tmp_path, "is a folder; give the path of one recording")
    refuse(given["--identity"], "has no audio track")
    refuse(samples / "video/negative/grid_aligned_96x128_noaudio.mp4", "has no audio track")
    refuse(samples / "video/negative/silent_liveportrait_d18.mp4", "is silent: its loudest 40 ms reach -")
    write_wav(tmp_path / "zero.wav", np.zeros(16_000, np.int16))
    refuse(tmp_path / "zero.wav", "is silent")
    write_wav(tmp_path / "short.wav", noise(0.039))
    refuse(tmp_path / "short.wav", "is shorter than one frame of 40 ms")
    for name, content in (("text.wav", b"no sound at all"), ("empty.wav", b"")):
        (tmp_path / name).write_bytes(content)
        refuse(tmp_path / name, "cannot be decoded as audio")


def test_unusable_models(given, tmp_path, capsys):
    def refuse(path, message: str):
        assert message in refusal({**given, "--model": str(path), "--out": str(tmp_path / "x.mp4")}, capsys)

    refuse(tmp_path / "none.safetensors", "there is no model")
    refuse(tmp_path, "is a folder; give the path of the .safetensors in it")
    refuse(given["--identity"], "give a .safetensors that this project wrote")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(Path(given["--model"]).read_bytes()[:-100])
    refuse(cut, "cannot be read as a model")
    torch.save({"state_dict": {"unet.weight": torch.zeros(1)}}, tmp_path / "last.ckpt")
    refuse(tmp_path / "last.ckpt", "python -m dheads_model.published.import_model --unet")
    deaf = export(tmp_path / "deaf.safetensors", {}, audio_encoder="none")
    refuse(deaf, "import it again together with its audio_encoder.pt")
    odd = export(tmp_path / "odd.safetensors", {"crop": {**read_config(None, METHODS)["crop"], "size": 65}, **METHODS})
    refuse(odd, "crop.size is 65; it must be a multiple of 2")
    wrong = export(tmp_path / "wrong.safetensors", {"crop": {"size": 64}, **METHODS})
    refuse(wrong, "config key crop.eye_distance is missing")


def test_unusable_places_for_the_video(given, tmp_path, capsys):
    def refuse(out, message: str):
        assert message in refusal({**given, "--out": str(out)}, capsys)

    refuse(tmp_path / "talk.avi", "must end in .mp4")
    refuse(tmp_path / "talk", "must end in .mp4")
    (tmp_path / "folder.mp4").mkdir()
    refuse(tmp_path / "folder.mp4", "is a folder")
    (tmp_path / "file").write_text("in the way")
    refuse(tmp_path / "file/talk.mp4", "cannot be written")
    refuse("/proc/talk.mp4", "cannot be written")
    frames = np.zeros((10, 16, 16, 3), np.uint8)
    (tmp_path / "clip.mp4").write_bytes(before := encode_video(frames, noise(0.4)))
    sound = {**given, "--audio": str(tmp_path / "clip.mp4")}
    assert "is one of the files to read" in refusal({**sound, "--out": str(tmp_path / "clip.mp4")}, capsys)
    assert (tmp_path / "clip.mp4").read_bytes() == before


def test_unusable_configs(given, tmp_path, capsys):
    def refuse(content, message: str, *more: str):
        (tmp_path / "config.yaml").write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        arguments = {**given, "--out": str(tmp_path / "x.mp4"), "--config": str(tmp_path / "config.yaml")}
        assert message in refusal(arguments, capsys, *more)

    refuse("- a\n- b\n", "holds no config keys, but a list")
    refuse("a: 1\nb: [", "config.yaml line 2, column 5 is no YAML")
    refuse({"methods": {"ours": {"sampling": {"step": 1}}}}, "methods.ours.sampling.step does not exist; did you mean")
    whole = read_config(None, METHODS)["methods"]["ours"]
    refuse({"methods": {"other": whole}}, "are other, ours; choose one of them with --method")
    refuse({}, "are ours; choose one of them with --method", "--method", "frozen_first_frame")
    refuse({"methods": {"our": {"sampling": {"steps": 1}}}}, "sets a part of methods.our, which is none of ours")
    refuse({"audio": {"silence_dbfs": "low"}}, "audio.silence_dbfs is 'low'")
    refuse({"crop": None}, "config key crop is None")
    refuse(
        {"methods": {"ours": {"sampling": {"sampler": "ancestral_ddpm"}}}},
        "ancestral_ddpm needs diffusion.parameterization ddpm",
    )
    refuse({}, "sampling.steps is 0; the smallest allowed is 1", "--steps", "0")
    for guidance in ("-1", "nan", "inf"):
        refuse({}, "sampling.guidance_scale is", f"--guidance-scale={guidance}")
    missing = {**given, "--config": str(tmp_path / "none.yaml")}
    assert "cannot be read as a config" in refusal(missing, capsys)
