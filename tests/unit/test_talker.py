"""The public API: what `from dheads_model import Talker` gives, that all of its ways agree, and what it refuses."""

import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

import dheads_model
from dheads_model import Talker, UserError
from dheads_model.fingerprint import ROOT, closure
from dheads_model.generate import main
from dheads_model.media.audio import write_wav
from dheads_model.media.video import decode_video
from dheads_model.talker_settings import read_config
from tests.factories.media import noise
from tests.factories.talker import METHODS, SAMPLING, export

SPEECH = noise(0.41)
FRAMES = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A photo, 0.41 seconds of speech and a tiny model, named as the docs name them."""
    folder = tmp_path_factory.mktemp("talker")
    Image.fromarray(astronaut()).save(folder / "face.png")
    Image.fromarray(astronaut()).save(folder / "face.jpg")
    write_wav(folder / "speech.wav", SPEECH)
    (folder / "results/runs/ours").mkdir(parents=True)
    export(folder / "results/runs/ours/model.safetensors", METHODS)
    return folder


@pytest.fixture(scope="module")
def model(folder) -> Path:
    return folder / "results/runs/ours/model.safetensors"


@pytest.fixture(scope="module")
def talker(model) -> Talker:
    return Talker.load(model)


@pytest.fixture(scope="module")
def video(talker, folder):
    return talker.generate(folder / "face.png", folder / "speech.wav")


def test_the_package_imports_no_torch_and_still_has_the_api():
    program = (
        "import sys, dheads_model; before = 'torch' in sys.modules; from dheads_model import Talker, UserError; "
        "print(before, Talker.__module__, UserError.__module__, {'Talker', 'UserError'} <= set(dir(dheads_model)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "dheads_model.talker", "dheads_model.errors", "True"]
    with pytest.raises(AttributeError, match="'dheads_model' has no attribute 'Walker'"):
        _ = dheads_model.Walker


def test_no_rule_is_run_again_for_a_change_of_the_api():
    for command in ("track_faces", "train_model", "sample_videos"):
        assert not [name for name in closure(f"workflow_scripts.{command}") if "talker" in name]


def test_frames_and_their_sound_come_back(talker, video):
    frames, audio = video
    assert frames.shape == (FRAMES, talker.size, talker.size, 3) and frames.dtype == np.uint8
    assert not np.array_equal(frames[2], frames[8])
    assert audio.dtype == np.int16
    np.testing.assert_array_equal(audio, SPEECH[: 640 * FRAMES])


def test_a_file_is_that_of_the_command(talker, model, folder, tmp_path):
    photo, speech = folder / "face.png", folder / "speech.wav"
    made = talker.generate(photo, speech, tmp_path / "api.mp4", seed=3, steps=1)
    assert made == (tmp_path / "api.mp4", FRAMES, talker.size)
    files = [
        "--identity",
        str(photo),
        "--audio",
        str(speech),
        "--model",
        str(model),
        "--out",
        str(tmp_path / "cli.mp4"),
    ]
    assert main([*files, "--seed", "3", "--steps", "1"]) == 0
    assert (tmp_path / "api.mp4").read_bytes() == (tmp_path / "cli.mp4").read_bytes()
    assert len(decode_video(tmp_path / "api.mp4")) == FRAMES
    with av.open(str(tmp_path / "api.mp4")) as container:
        assert container.streams.audio


def test_arrays_are_taken_as_files_are(talker, video):
    np.testing.assert_array_equal(talker.generate(astronaut(), SPEECH).frames, video.frames)


@pytest.mark.parametrize("length", [640, 100, 1500])
def test_a_stream_gives_the_same_frames_whatever_the_length_of_its_chunks(talker, folder, video, length):
    chunks = [SPEECH[at : at + length] for at in range(0, len(SPEECH), length)]
    frames = list(talker.stream(folder / "face.png", [chunks[0][:0], *chunks]))
    np.testing.assert_array_equal(np.stack(frames), video.frames)


def test_a_frame_comes_before_the_speech_ends(talker, folder):
    given = []

    def microphone():
        for samples in SPEECH[: 640 * FRAMES].reshape(-1, 640):
            given.append(samples)
            yield samples

    frames = talker.stream(folder / "face.png", microphone())
    assert given == [], "nothing is taken before the first frame is asked for"
    next(frames)
    assert len(given) == 4, "120 ms after its own 40 ms"


def test_numbers_of_one_video_take_the_place_of_the_methods(talker, folder, video):
    assert talker.settings.sampling.guidance_scale == 1.5, "lowered for photos"
    same = talker.generate(astronaut(), SPEECH, steps=SAMPLING["steps"], guidance_scale=1.5)
    np.testing.assert_array_equal(same.frames, video.frames)
    for other in ({"seed": 1}, {"steps": 3}, {"guidance_scale": 4}):
        assert not np.array_equal(talker.generate(astronaut(), SPEECH, **other).frames, video.frames), other


def test_a_method_and_a_config_are_chosen_when_a_model_is_loaded(tmp_path):
    facts = {"methods": {"slow": {**SAMPLING, "steps": 4}, "fast": {**SAMPLING, "steps": 1}}}
    path = export(tmp_path / "two.safetensors", facts)
    assert Talker.load(path, method="fast").settings.sampling.steps == 1
    (tmp_path / "more.yaml").write_text("crop: {size: 96}\nmethods: {slow: {sampling: {guidance_scale: 4.0}}}\n")
    loaded = Talker.load(path, method="slow", config=tmp_path / "more.yaml")
    assert (loaded.size, loaded.settings.sampling.guidance_scale) == (96, 4.0)
    with pytest.raises(UserError, match=r"fast, slow; choose one of them with --method, in Python with method="):
        Talker.load(path)


@pytest.mark.parametrize(
    ("path", "options", "sentence"),
    [
        ("none.safetensors", {}, "there is no model"),
        (None, {}, "the model is a NoneType; give the path of a file"),
        ("model", {"config": {"crop": {}}}, "the config is a dict; give the path of a file"),
        ("model", {"audio_encoder": "encoder.pt"}, "needs no audio encoder beside it"),
    ],
)
def test_unusable_files_of_a_model(model, path, options, sentence):
    with pytest.raises(UserError, match=sentence):
        Talker.load(model if path == "model" else path, **options)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"photo": "none.jpg"}, "there is no image none.jpg"),
        ({"photo": None}, r"the photo is a NoneType; give the path of a photo or uint8 RGB \[H, W, 3\]"),
        ({"photo": astronaut() / 255}, r"the photo is float64 \[512, 512, 3\]; it must be uint8 RGB"),
        ({"photo": astronaut()[:, :, 0]}, r"the photo is uint8 \[512, 512\]; it must be uint8 RGB"),
        ({"photo": np.zeros((300, 300, 3), np.uint8)}, "no face was found in the photo"),
        ({"speech": "none.wav"}, "there is no audio file none.wav"),
        ({"speech": 16_000}, r"the speech is a int; give the path of a recording or int16 samples \[N\] at 16000 Hz"),
        ({"speech": np.zeros(0, np.int16)}, "the speech is shorter than one frame of 40 ms"),
        ({"speech": np.zeros(6400, np.int16)}, "the speech is silent"),
        ({"speech": SPEECH / 32768}, r"float64 \[6560\]; it must be int16 samples \[N\] .*; multiply by 32767"),
        ({"output": "talk.avi"}, "must end in .mp4"),
        ({"output": 1}, "the output is a int; give the path of an .mp4"),
        ({"output": "/proc/talk.mp4"}, "cannot be written"),
        ({"steps": 0}, "steps is 0; the smallest allowed is 1"),
        ({"steps": 2.5}, "steps is 2.5; it must be a whole number"),
        ({"guidance_scale": "1"}, "guidance_scale is '1'; it must be a number"),
        ({"guidance_scale": -1}, "guidance_scale is -1"),
        ({"seed": 0.5}, "seed is 0.5; it must be a whole number"),
    ],
)
def test_unusable_arguments_of_generate(talker, given, sentence):
    with pytest.raises(UserError, match=sentence):
        talker.generate(**{"photo": astronaut(), "speech": SPEECH} | given)


def test_sampling_that_a_model_was_not_trained_for_is_refused(talker):
    untrained = dataclasses.replace(
        talker, config={"conditioning_augmentation": {"audio_drop": 0.0, "mouth_drop": 1.0}}
    )
    for refused in (untrained.generate, untrained.stream):
        with pytest.raises(UserError, match=r"guidance_scale is 2, but .*audio_drop 0"):
            refused(astronaut(), [SPEECH], guidance_scale=2)


@pytest.mark.parametrize(
    ("chunks", "sentence"),
    [
        ("speech.wav", "the speech chunks are a str; give a list, a generator or another iterable of int16 samples"),
        (SPEECH, "the speech chunks are a ndarray"),
        (None, "the speech chunks are a NoneType"),
        ([SPEECH[:640], SPEECH[640:1280].tobytes()], "chunk 1 of the speech is a bytes; it must be a NumPy array"),
        ([SPEECH[:640].astype(np.float32)], r"chunk 0 of the speech is float32 \[640\]; .*; multiply by 32767"),
        ([SPEECH[:1280].reshape(2, 640)], r"chunk 0 of the speech is int16 \[2, 640\]"),
        ([], "held less than one frame of speech, 640 samples"),
        ([SPEECH[:639]], "held less than one frame of speech, 640 samples"),
    ],
)
def test_unusable_chunks(talker, chunks, sentence):
    with pytest.raises(UserError, match=sentence):
        list(talker.stream(astronaut(), chunks))


def test_what_can_be_checked_is_refused_at_the_call_of_stream(talker):
    for given in ({"photo": "none.jpg"}, {"speech_chunks": SPEECH}, {"steps": 0}):
        with pytest.raises(UserError):
            talker.stream(**{"photo": astronaut(), "speech_chunks": [SPEECH]} | given)


@pytest.mark.parametrize(("page", "lines"), [("README.md", 3), ("docs/own_photo.md", 10)])
def test_pages_show_python_that_works_and_is_short(folder, monkeypatch, capsys, page, lines):
    (shown,) = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in shown.splitlines() if line.strip()]) <= lines
    monkeypatch.chdir(folder)
    exec(compile(shown, page, "exec"), {})
    if page == "README.md":
        assert len(decode_video("talk.mp4")) == FRAMES
    else:
        size = read_config(None, METHODS)["crop"]["size"]
        assert capsys.readouterr().out == f"({size}, {size}, 3)\n" * FRAMES


def test_the_page_of_the_api_names_every_argument():
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    for name in ("load", "generate", "stream"):
        shown = re.search(rf"^### `(Talker\.{name}\(.*?\))`$", page, re.M)[1]
        wanted = [part for part in inspect.signature(getattr(Talker, name)).parameters if part != "self"]
        assert re.findall(r"(?:\(|, )(?:\*, )?(\w+)", shown) == wanted
