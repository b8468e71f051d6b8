"""Exports that were damaged or made to harm end in one sentence, wherever they are opened."""

import copy
import dataclasses
import json
import random
import struct

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage.data import astronaut

from dheads_model.errors import UserError
from dheads_model.generate import main
from dheads_model.media.audio import write_wav
from dheads_model.network.export import load_export
from dheads_model.network.export_formats import MODEL_FORMAT
from dheads_model.network.sync_encoder import load_sync_encoder
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.tensor_header import read_about
from tests.factories.networks import SMALL
from tests.factories.settings import plain_diffusion

DEEP = "[" * 100_000
ABOUT = {
    "format": MODEL_FORMAT,
    "config": {
        "network": dataclasses.asdict(SMALL), "diffusion": {"parameterization": "edm"},
        "conditioning_augmentation": {"audio_drop": 0.1, "mouth_drop": 1},
    },
    "facts": {"images": 3},
}  # fmt: skip


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return TalkingModel(SMALL, plain_diffusion()).state_dict()


@pytest.fixture
def written(tmp_path, state):
    """written(about as text or JSON value, tensors) -> path of an export that says so of itself."""

    def write(about, tensors=None):
        text = about if isinstance(about, str) else json.dumps(about)
        save_file(tensors or state, tmp_path / "model.safetensors", metadata={"dheads": text})
        return tmp_path / "model.safetensors"

    return write


def changed(value, *path):
    about = copy.deepcopy(ABOUT)
    block = about
    for key in path[:-1]:
        block = block[key]
    block[path[-1]] = value
    return about


def network(key, value):
    return changed(value, "config", "network", key)


def refused(path) -> str:
    """The sentence of the refusal; nothing else may come, and the check before any job refuses no less than it can see."""
    with pytest.raises(UserError) as caught:
        load_export(path)
    sentence = str(caught.value)
    assert "\n" not in sentence and len(sentence) < 600, sentence
    return sentence


def test_the_right_one_is_taken(written):
    assert load_export(written(ABOUT))[2] == {"images": 3}


@pytest.mark.parametrize(
    "about",
    [
        "[]", "null", "3", '"text"', "", "{", DEEP, '{"a":' * 100_000, "1" * 5000, f'{{"format": {"9" * 5000}}}', "NaN",
        '{"format": "dheads model 1", "config": {"x": Infinity}, "facts": {}}', '{"format": ["dheads model 1"]}',
        changed(None, "config"), changed([], "config"), changed(3, "facts"), changed("x", "config", "network"),
        changed(None, "config", "diffusion"), changed({}, "config", "network"), changed([], "config", "diffusion"),
    ],
    ids=lambda value: (value if isinstance(value, str) else json.dumps(value))[:20],
)  # fmt: skip
def test_settings_that_are_none(written, about):
    assert refused(written(about))


@pytest.mark.parametrize(
    "about",
    [
        *(network("image_size", size) for size in (-16, 0, 10**12, 10**4000, 1.5, "16", None, [16], True)),
        *(network("base_channels", size) for size in (-8, 0, 10**9, 10**18, 2**62, 10**30)),
        *(network("residual_blocks", size) for size in (0, -1, 10**12, 10**30)),
        *(network("channel_multiples", value) for value in ([], [0], [-1, 2], [10**12, 2], [10**30], [1] * 500, "12", {})),
        *(network("attention_sizes", value) for value in ([0], [7] * 1000, [10**30], 8, [[]])),
        *(network(key, 10**15) for key in ("head_channels", "norm_groups", "patch", "motion_frames", "audio_radius",
                                           "audio_channels", "feature_bands", "motion_channels")),
        *(network(key, -3) for key in ("head_channels", "norm_groups", "patch", "motion_frames", "audio_radius",
                                       "audio_channels", "dropout")),
        network("audio_encoder", "published"), network("audio_encoder", "none"), network("audio_encoder", {}),
        network("learned_variance", True), network("noise_level_input", False), network("noise_level_input", "no"),
        network("unknown", 1), changed("other", "config", "diffusion", "parameterization"),
        changed(-1, "config", "diffusion", "sigma_data"),
        changed({"parameterization": "edm", "timesteps": 10**15}, "config", "diffusion"),
    ],
    ids=lambda about: json.dumps(about["config"])[:0] or None,
)  # fmt: skip
def test_sizes_that_are_none_or_not_those_of_the_tensors(written, about):
    assert refused(written(json.dumps(about)))


def test_weights_that_are_not_finite(written, state):
    for value in (float("nan"), float("inf")):
        broken = {name: tensor.clone() for name, tensor in state.items()}
        broken["unet.head.weight"][0, 0, 0, 0] = value
        assert "holds values that are not finite, in unet.head.weight" in refused(written(ABOUT, broken))


def test_tensors_of_another_network(written, state):
    fewer = {name: tensor for name, tensor in state.items() if name != "unet.head.bias"}
    assert "unet.head.bias has the shape None where (12,) is needed" in refused(written(ABOUT, fewer))
    assert "where None is needed" in refused(written(ABOUT, state | {"more": torch.ones(1)}))
    assert "unet.head.bias has the shape (4,)" in refused(written(ABOUT, state | {"unet.head.bias": torch.ones(4)}))


def test_random_damage(written, tmp_path):
    """2,000 copies with a few bytes changed, most of them in the header: taken, or refused in a sentence."""
    content = written(ABOUT).read_bytes()
    header = struct.unpack("<Q", content[:8])[0]
    chance, path = random.Random(0), tmp_path / "damaged.safetensors"
    outcomes = set()
    for number in range(2000):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(8 + header if number % 4 else len(content))
            damaged[place] = chance.randrange(256)
        if number % 10 == 0:
            del damaged[chance.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            read_about(path, MODEL_FORMAT)
            if number % 5 == 0:
                load_export(path)
            outcomes.add("taken")
        except UserError as problem:
            assert "\n" not in str(problem)
            outcomes.add("refused")
    assert outcomes == {"taken", "refused"}


def test_an_encoder_of_sync_is_held_to_the_same(written):
    about = {"format": "dheads sync encoder 1", "config": {}, "facts": {}}
    for network in (None, [], {"audio_radius": 10**15, "audio_channels": 8, "feature_bands": 8, "mouth_channels": 8,
                               "embedding_channels": 8}):  # fmt: skip
        with pytest.raises(UserError) as caught:
            load_sync_encoder(written(about | {"network": network}))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "facts",
    [
        {"crop": {"size": 10**9, "eye_distance": 0.23, "eyes_height": 0.42, "format": "video", "crf": 12}},
        {"crop": {"size": -2, "eye_distance": 0.23, "eyes_height": 0.42, "format": "video", "crf": 12}},
        {"crop": {"size": 64, "eye_distance": 1e-300, "eyes_height": 4.2, "format": "video", "crf": 12}},
        {"crop": []}, {"align": 3}, {"align": {"window": 0, "direction": "symmetric"}},
        {"align": {"window": 7, "direction": "back"}}, {"align": {"window": 7, "direction": "forward", "framing": "x"}},
        {"sampling": {"steps": 10**12}}, {"sampling": {"steps": -1}}, {"sampling": {"rho": 0.0}}, {"sampling": [1]},
        {"sampling": {"guidance_scale": "much"}}, {"methods": [1]}, {"methods": {"ours": 3}},
        {"methods": {"ours": {"steps": None}}},
    ],
    ids=lambda facts: json.dumps(facts)[:40],
)  # fmt: skip
def test_facts_that_a_photo_is_made_with(written, tmp_path, capsys, facts):
    Image.fromarray(astronaut()).save(tmp_path / "face.png")
    write_wav(
        tmp_path / "speech.wav", (3000 * np.random.default_rng(0).normal(size=8000)).clip(-9999, 9999).astype(np.int16)
    )
    model = written(changed({"sampling": {"sampler": "euler", "steps": 1}} | facts, "facts"))
    arguments = [
        "--identity",
        str(tmp_path / "face.png"),
        "--audio",
        str(tmp_path / "speech.wav"),
        "--model",
        str(model),
    ]
    assert main([*arguments, "--out", str(tmp_path / "talk.mp4")]) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told and "error: " in told
    assert not (tmp_path / "talk.mp4").exists()
