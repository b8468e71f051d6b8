"""The tiny run again with a sync encoder to hear with and another to measure with."""

import json
import shutil

import pandas as pd
import pytest
from safetensors import safe_open

from dheads_model.network.export import load_export
from dheads_model.network.sync_encoder import load_sync_encoder
from tests.conftest import TINY, FinishedRun
from tests.workflow import plan, snakemake

pytestmark = pytest.mark.slow

SMALL = {
    "min_clips": 1, "speakers": "all", "network": {"audio_channels": 16, "mouth_channels": 8},
    "training": {
        "images": 64, "clips_per_batch": 1, "windows_per_clip": 8, "warmup_images": 8, "log_every_images": 16,
        "validation_every_images": 32, "state_every_images": 32,
    },
}  # fmt: skip
OVERLAY = {
    "runs": {"ours": {"audio_encoder_from": "conditioning", "audio_encoder_frozen": True}},
    "metrics": {"sync_encoder": "scorer"},
    "sync_encoders": {"conditioning": SMALL, "scorer": SMALL},
}


@pytest.fixture(scope="module")
def measured(finished, tmp_path_factory) -> FinishedRun:
    folder = tmp_path_factory.mktemp("sync")
    shutil.copytree(finished.work, folder / "work")
    (folder / "sync.yaml").write_text(json.dumps(OVERLAY))
    run = FinishedRun(finished.project, folder / "work")
    done = snakemake(
        run.project, run.work, "--cores", "2", "--configfile", str(TINY), str(folder / "sync.yaml"),
        "--", "results/table1.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return run


def test_the_table_gains_two_columns(measured):
    table = pd.read_csv(measured.work / "results/table1.csv").set_index("method")
    assert (table["sync_confidence_n"] == 1).all()
    assert (table["clips"] == 1).all()
    assert pd.isna(table.loc["frozen_first_frame", "sync_offset"]), "a still mouth has no offset"
    assert "sync conf." in (measured.work / "results/table1.md").read_text()


def test_encoders_say_what_they_learnt_from_and_how_well(measured):
    facts = json.loads((measured.work / "results/sync_encoders/embedded/scorer/encoder.json").read_text())
    assert facts["images"] == 64
    assert facts["learnt_from"]["clips"] == 1
    assert facts["held_out"]["all"]["clips"] == 1
    assert facts["held_out"]["all"]["chance"] == pytest.approx(1 / 11)


def test_the_model_hears_with_the_frozen_encoder_and_is_read_as_any_other(measured):
    encoder = load_sync_encoder(measured.work / "results/sync_encoders/embedded/conditioning/encoder.safetensors")[0]
    path = measured.work / "results/runs/ours/model.safetensors"
    model, config, facts = load_export(path)
    assert config["audio_encoder_from"] == "conditioning"
    assert facts["audio_encoder"]["name"] == "conditioning"
    for name, value in encoder.audio_encoder.state_dict().items():
        assert (model.audio_encoder.state_dict()[name] == value).all(), name
    with safe_open(path, framework="pt") as stream:
        assert not any(name.startswith("mouth") for name in stream.keys())  # noqa: SIM118 (no mapping)


def test_a_second_run_plans_nothing(measured):
    configs = str(TINY), str(measured.work.parent / "sync.yaml")
    assert plan(measured.project, measured.work, "--configfile", *configs, "--", "results/table1.csv") == {}
