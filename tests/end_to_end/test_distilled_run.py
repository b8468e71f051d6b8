"""The tiny run again with a model that is distilled from the finished one."""

import json
import shutil

import pandas as pd
import pytest

from dheads_model.files import sha256_of
from dheads_model.network.export import load_export
from tests.conftest import TINY, FinishedRun
from tests.workflow import plan, snakemake

pytestmark = pytest.mark.slow

OVERLAY = {
    "runs": {
        "distilled": {
            "distillation": {"teacher": "ours", "guidance_scale": 3.0, "steps": 4},
            "conditioning_augmentation": {"audio_drop": 0.0},
        }
    },
    "methods": {
        "distilled": {
            "kind": "model", "run": "distilled",
            "sampling": {"sampler": "consistency", "steps": 1, "guidance_scale": 1.0},
        }
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def taught(finished, tmp_path_factory) -> FinishedRun:
    folder = tmp_path_factory.mktemp("distilled")
    shutil.copytree(finished.work, folder / "work")
    (folder / "distilled.yaml").write_text(json.dumps(OVERLAY))
    run = FinishedRun(finished.project, folder / "work")
    done = snakemake(
        run.project, run.work, "--cores", "2", "--configfile", *configs(run), "--", "results/table1.csv"
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return run


def configs(run):
    return str(TINY), str(run.work.parent / "distilled.yaml")


def test_the_finished_model_teaches_and_the_table_gains_a_row(taught, finished):
    teacher, student = (taught.work / f"results/runs/{name}/model.safetensors" for name in ("ours", "distilled"))
    assert sha256_of(teacher) == sha256_of(finished.work / "results/runs/ours/model.safetensors")
    facts = load_export(student)[2]
    assert facts["teacher"] == {"name": "ours", "sha256": sha256_of(teacher)}
    assert "distilled" in set(pd.read_csv(taught.work / "results/table1.csv")["method"])


def test_a_second_run_plans_nothing_and_another_teacher_trains_both(taught):
    assert plan(taught.project, taught.work, "--configfile", *configs(taught), "--", "results/table1.csv") == {}
    other = taught.work.parent / "other.yaml"
    other.write_text(json.dumps({"runs": {"ours": {"training": {"eye_weight": 2.0}}}}))
    found = plan(taught.project, taught.work, "--configfile", *configs(taught), str(other), "--", "results/table1.csv")
    assert (found["train_model"], found["sample_videos"]) == (2, 2)
