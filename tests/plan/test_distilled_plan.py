"""Distilled runs in the workflow: what they take from their teacher, what is trained, refusals in words."""

import copy

import pytest
import yaml

from dheads_model.errors import UserError
from tests.factories.configs import merged
from tests.workflow import ROOT, plan
from workflow_scripts.planning.config_check import check_config
from workflow_scripts.planning.plan import make_work_plan


def load(name):
    return yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))


@pytest.fixture
def config():
    return merged(load("config.yaml"), load("distilled.yaml"))


def changed(config, *changes):
    config = copy.deepcopy(config)
    for *path, key, value in changes:
        block = config
        for part in path:
            block = block[part]
        block[key] = value
    return config


def planned(config):
    check_config(config)
    return make_work_plan(config)


def test_a_distilled_run_takes_from_its_teacher_what_it_does_not_give(config):
    found = changed(
        config, ("runs", "ours", "network", "patch", 2), ("methods", "ours", "sampling", "motion_noise", 0.3)
    )
    check_config(found)
    student, teacher = found["runs"]["distilled"], found["runs"]["ours"]
    assert student["network"] == teacher["network"]
    assert student["network"]["patch"] == 2
    assert (student["training"]["images"], teacher["training"]["images"]) == (8000, 14000)
    assert student["training"]["mouth_weight"] == teacher["training"]["mouth_weight"]
    assert student["distillation"]["steps"] == 16
    sampling = found["methods"]["distilled"]["sampling"]
    assert (sampling["sampler"], sampling["guidance_scale"], sampling["motion_noise"]) == ("consistency", 1.0, 0.3)
    assert "distillation" not in teacher


def test_a_student_may_teach_another_one(config):
    second = {"distillation": {"teacher": "first"}}
    config["runs"] |= {"second": second, "first": {**config["runs"].pop("distilled")}}
    config["runs"]["first"]["distillation"] = {"teacher": "ours", "objective": "guidance", "guidance_scale": 5.0}
    config["runs"]["second"]["distillation"]["guidance_scale"] = 1.0
    config["methods"]["distilled"]["run"] = "second"
    found = planned(config)
    assert found.trained_runs() == ["first", "ours", "second"]
    assert config["runs"]["second"]["network"] == config["runs"]["ours"]["network"]


def test_the_teacher_of_a_row_is_trained_though_it_has_no_row(config):
    del config["methods"]["ours"]
    config["methods"]["distilled"]["gpus"] = 0
    config["methods"]["distilled"]["sampling"] = merged(
        load("config.yaml")["methods"]["ours"]["sampling"], config["methods"]["distilled"]["sampling"]
    )
    config["table1"]["reference"] = "ground_truth"
    config["opinion_study"]["methods"] = ["ground_truth", "distilled"]
    assert planned(config).trained_runs() == ["distilled", "ours"]
    few = changed(config, ("runs", "ours", "min_clips", 99), ("runs", "distilled", "min_clips", 1))
    assert planned(few).missing_methods() == {
        "distilled": "not trained: 72 training clips, run ours needs 99; give an earlier export with --config model=PATH"
    }


AUDIO_DROP = ("runs", "ours", "conditioning_augmentation", "audio_drop", 0.0)
STUDENT, SAMPLING = ("runs", "distilled"), ("methods", "distilled", "sampling")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([(*STUDENT, "distillation", "teacher", "our")], r"runs\.distilled\.distillation\.teacher is our, which runs does not"),
        ([(*STUDENT, "distillation", "teacher", "distilled")], r"teacher is distilled, which would learn from itself"),
        ([(*STUDENT, "distillation", "techer", "ours")], r"distillation\.techer does not exist; did you mean teacher"),
        ([(*STUDENT, "distillation", {})], r"distillation\.teacher is missing"),
        ([(*STUDENT, "network", {"base_channels": 32})], r"runs\.distilled\.network\.base_channels is 32 and that of its teacher"),
        (
            [(*STUDENT, "conditioning_augmentation", "audio_drop", 0.1)],
            r"runs\.distilled\.conditioning_augmentation\.audio_drop is 0\.1; a distilled run .* set it to 0",
        ),
        (
            [AUDIO_DROP, (*STUDENT, "distillation", "guidance_scale", 5.0)],
            r"runs\.distilled\.distillation\.guidance_scale is 5, but its teacher ours trains with .*audio_drop 0",
        ),
        ([(*STUDENT, "diffusion", {"parameterization": "ddpm", "residual_to": "zero"})], r"parameterization edm"),
        ([(*SAMPLING, "guidance_scale", 5.0)], r"methods\.distilled: sampling\.guidance_scale is 5, .* to 1"),
        ([(*SAMPLING, "sampler", "euler")], r"sampler is euler, which does not fit .* consistency; take consistency"),
        ([("methods", "ours", "sampling", "sampler", "consistency")], r"methods\.ours: .*needs a model that was distilled"),
    ],
)  # fmt: skip
def test_what_cannot_go_together_is_named(config, changes, sentence):
    with pytest.raises(UserError, match=sentence):
        planned(changed(config, *changes))


@pytest.mark.slow
def test_both_are_trained_and_sampled(tmp_path):
    found = plan(ROOT, tmp_path, "--configfile", str(ROOT / "config/distilled.yaml"), "--", "results/table1.csv")
    assert (found["train_model"], found["sample_videos"]) == (2, 2)
