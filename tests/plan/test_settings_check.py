"""Settings that are right one by one and wrong together: refused before any job, in one sentence."""

import copy
import dataclasses
import json
import math
import re
import struct

import pytest
import torch
import yaml

from dheads_model.errors import UserError
from dheads_model.network.export import save_export
from dheads_model.network.talking_model import TalkingModel
from tests.factories.networks import SMALL
from tests.factories.settings import plain_diffusion
from tests.workflow import ROOT, snakemake
from workflow_scripts import check_config as command
from workflow_scripts.planning.config_check import check_config
from workflow_scripts.planning.plan import make_work_plan

NETWORK, TRAINING = ("runs", "ours", "network"), ("runs", "ours", "training")
SAMPLING = ("methods", "ours", "sampling")


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def checked(config, *changes):
    """Check the config with values put at dotted places."""
    config = copy.deepcopy(config)
    for *path, key, value in changes:
        block = config
        for part in path:
            block = block[part]
        block[key] = value
    check_config(config)
    return make_work_plan(config)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([(*SAMPLING, "sigma_min", 4.0)], r"in methods\.ours: sampling needs .* 0 < sigma_min < sigma_max, not 2, 4\.0, 3\.0"),
        ([(*SAMPLING, "sampler", "ancestral_ddpm")], r"sampling\.sampler ancestral_ddpm needs diffusion\.param"),
        ([(*SAMPLING, "guidance_interval", [5.0, 1.0])], r"guidance_interval is 5\.0, 1\.0; it must be two rising"),
        ([(*SAMPLING, "rho", math.nan)], r"config key methods\.ours\.sampling\.rho is nan; it must be a finite number"),
        ([(*TRAINING, "learning_rate", math.inf)], r"runs\.ours\.training\.learning_rate is inf; .* finite"),
        ([(*TRAINING, "adam_betas", [0.9, math.nan])], r"training\.adam_betas\[1\] is nan"),
        ([("audio", "silence_dbfs", -math.inf)], r"audio\.silence_dbfs is -inf"),
        ([(*NETWORK, "image_size", 33)], r"in runs\.ours: network\.image_size 33 must be a multiple of 16"),
        ([(*NETWORK, "base_channels", 31)], r"in runs\.ours: network\.base_channels must be even"),
        ([(*NETWORK, "base_channels", 36)], r"network\.norm_groups 8 must divide 36 channels"),
        ([(*NETWORK, "head_channels", 24)], r"network\.head_channels 24 must divide the 64 channels"),
        ([(*NETWORK, "attention_sizes", [10])], r"network\.attention_sizes holds 10, but the feature maps have sides 16, 8, 4"),
        ([(*NETWORK, "motion_channels", 2)], r"motion_channels"),
        ([(*NETWORK, "audio_encoder", "none")], r"audio_encoder"),
        ([(*NETWORK, "learned_variance", True)], r"ours\.network\.learned_variance needs runs\.ours\.diffusion\.param"),
        ([(*NETWORK, "feature_bands", 64)], r"runs\.ours\.network\.feature_bands is 64 and audio\.bands is 80; make them equal"),
        ([("audio", "bands", 64)], r"runs\.ours\.network\.feature_bands is 80 and audio\.bands is 64"),
        ([("crop", "size", 32)], r"runs\.ours\.network\.image_size is 64 and crop\.size 32; .* raise crop\.size"),
        ([(*TRAINING, "gradient_accumulation", 3)], r"training\.batch_size is 8; it must be a multiple of 3"),
        ([("runs", "ours", "gpus", 8)], r"training\.batch_size is 8; it must be a multiple of 16"),
        ([(*TRAINING, "mouth_box", [0.85, 0.55, 0.3, 0.7])], r"training\.mouth_box is \[0\.85, .* rising fractions"),
        ([(*TRAINING, "mouth_box", [0.5, 1.2, 0.3, 0.7])], r"training\.mouth_box\[1\] is 1\.2; the largest allowed is 1"),
        ([(*TRAINING, "validation_every_images", 100)], r"validation_every_images is 100; it must be a multiple"),
        ([("runs", "ours", "diffusion", "parameterization", "ddpm")], r"residual_to identity needs diffusion\.param"),
        ([("runs", "ours", "compat", "published")], r"runs\.ours\.compat published is the published DDPM"),
        ([("runs", "ours", "audio_encoder_frozen", True)], r"runs\.ours\.audio_encoder_frozen needs runs\.ours\.audio_enc"),
        ([("crop", "eye_distance", 0.35)], r"in runs\.ours: a crop with crop\.eye_distance 0\.35 .* does not hold the whole"),
        ([("crop", "eyes_height", 0.55)], r"in runs\.ours: a crop with .*eyes_height 0\.55 does not hold the whole"),
        ([("folder", "test_fraction", 0.95)], r"folder\.validation_fraction and folder\.test_fraction add up to 1\.05"),
        ([("track", "max_frames", 5)], r"track\.min_frames is 10 and track\.max_frames 5"),
        ([("lrw", "retry", "longest_wait", 0.5)], r"in lrw: retry\.first_wait is 1 and longest_wait 0\.5"),
        ([("embedded", "test_actors", 48)], r"embedded\.actors is 48 and 52 are held out"),
        ([("sync_encoders", "scorer", "training", "validation_every_images", 10)], r"sync_encoders\.scorer\.training\.valid"),
    ],
    ids=lambda value: ".".join(map(str, value[0])) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_go_together_is_refused(config, changes, sentence):
    with pytest.raises(UserError, match=sentence) as refusal:
        checked(config, *changes)
    assert "\n" not in str(refusal.value)


def test_a_step_count_that_the_schedule_does_not_have(config):
    ddpm = [
        ("runs", "ours", "diffusion", "parameterization", "ddpm"),
        ("runs", "ours", "diffusion", "residual_to", "zero"),
    ]
    checked(config, *ddpm, (*SAMPLING, "sampler", "ancestral_ddpm"))
    for steps in (1, 1001):
        with pytest.raises(UserError, match=rf"sampling\.steps is {steps}; .* must lie between 2 and 1000"):
            checked(config, *ddpm, (*SAMPLING, "sampler", "ancestral_ddpm"), (*SAMPLING, "steps", steps))


def test_the_mouth_is_hidden_in_aligned_faces_only(config, monkeypatch):
    monkeypatch.setenv("LRW_USER", "a")
    monkeypatch.setenv("LRW_PASSWORD", "b")
    lrw = [("datasets", ["lrw"]), ("runs", "ours", "dataset", "lrw"), ("lrw", "framing", "as_distributed")]
    with pytest.raises(UserError, match="is a box of aligned faces, and framing is as_distributed"):
        checked(config, *lrw)
    checked(
        config, *lrw, ("runs", "ours", "conditioning_augmentation", "mouth_drop", 0.0), (*SAMPLING, "hide_mouth", False),
        (*NETWORK, "lip_reader", False), (*NETWORK, "eye_condition", False), (*SAMPLING, "blinks_per_second", 0.0),
    )  # fmt: skip


@pytest.fixture
def export(tmp_path):
    def write(network=SMALL, **config):
        path = tmp_path / "model.safetensors"
        model = TalkingModel(network, plain_diffusion())
        given = {"network": dataclasses.asdict(network), "diffusion": {"parameterization": "edm"}}
        given |= {"conditioning_augmentation": {"audio_drop": 0.1, "mouth_drop": 1.0}} | config
        save_export(path, model.state_dict(), given, {"images": 1})
        return path

    return write


def test_a_model_that_is_given_is_looked_at_before_any_job(config, export, tmp_path):
    with pytest.raises(
        UserError, match=r"in methods\.ours: sampling\.blinks_per_second is 0\.3, but this model is trained without"
    ):
        checked(config, ("model", str(export())))
    config["methods"]["ours"]["sampling"]["blinks_per_second"] = 0.0
    checked(config, ("model", str(export())))
    with pytest.raises(
        UserError, match=r"in methods\.ours: sampling\.guidance_scale is 5, but this model is trained with"
    ):
        undropped = export(conditioning_augmentation={"audio_drop": 0.0, "mouth_drop": 1.0})
        checked(config, ("model", str(undropped)), (*SAMPLING, "guidance_scale", 5.0))
    with pytest.raises(
        UserError, match=r"was trained with 64 bands and config key audio\.bands is 80; set audio\.bands to 64"
    ):
        checked(config, ("model", str(export(dataclasses.replace(SMALL, feature_bands=64)))))
    content = export().read_bytes()
    wrong = {
        "garbage": (b"no model at all" * 99, "cannot be read as a model .it has no header of safetensors"),
        "empty": (b"", "it has no header of safetensors"),
        "huge": (struct.pack("<Q", 1 << 60) + content[8:], "it has no header of safetensors"),
        "no JSON": (struct.pack("<Q", 400) + b"[" * 500, "nested too deeply|no JSON at character"),
        "other": (header({"__metadata__": {"dheads": '{"format": "other"}'}}), "no model of this project: its format is 'other'"),
        "bare": (header({}), "its format is None"),
    }  # fmt: skip
    for name, (bytes_, sentence) in wrong.items():
        (tmp_path / name).write_bytes(bytes_)
        with pytest.raises(UserError, match=sentence):
            checked(config, ("model", str(tmp_path / name)))
    torch.save({"a": torch.ones(1)}, tmp_path / "model.ckpt")
    with pytest.raises(UserError, match=r"published\.import_model --unet"):
        checked(config, ("model", str(tmp_path / "model.ckpt")))


def header(content: dict) -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text


def test_the_workflow_shows_one_sentence_and_starts_nothing(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"garbage" * 100)
    done = snakemake(ROOT, tmp_path, "--cores", "1", "--config", "model=model.safetensors")
    assert done.returncode == 2
    assert "error: model.safetensors cannot be read as a model" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "resources").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("crop:\n  size: 64\n   crf: 3\n", r"mine\.yaml line 3, column 7 is no YAML"),
        ("seed: 1\ncrop: {size: 64\n", r"mine\.yaml line 3, column 1 is no YAML"),
        ("seed: 1\nseed: 2\n", r"mine\.yaml line 2, column 1 is no YAML \(key seed is there twice\)"),
        ("", r"mine\.yaml holds no config keys, but nothing"),
        ("- seed\n", r"mine\.yaml holds no config keys, but a list"),
        ("crop: {size: 63}\n", r"crop\.size is 63; it must be a multiple of 2"),
        ("seed: .nan\n", r"seed is nan"),
        ("runs: {ours: {network: {image_size: 33}}}\n", r"in runs\.ours: network\.image_size 33"),
    ],
)
def test_the_command_that_checks_a_file_names_the_line(tmp_path, capsys, text, sentence):
    (tmp_path / "mine.yaml").write_text(text)
    assert command.main([str(tmp_path / "mine.yaml")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and told.count("\n") == 1
    assert re.search(sentence, told), told


def test_the_command_accepts_the_overlays(capsys):
    assert command.main([str(ROOT / "config/folder.yaml"), str(ROOT / "config/sync.yaml")]) == 0
    assert "the config is right" in capsys.readouterr().out
