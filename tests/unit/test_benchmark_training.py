"""The benchmark of training: both loops take the same steps, and the table says which is which."""

import dataclasses
import json

import pytest
import torch

from dheads_model.network.settings import PAPER_CREMA
from dheads_model.shards.index import write_index
from dheads_model.training.settings import run_settings
from tests.factories.shards import pack
from tests.factories.training import CONFIG
from tests.workflow import call
from workflow_scripts.benchmarks import training


@pytest.mark.slow
def test_both_loops_are_measured(tmp_path, monkeypatch):
    manifest = pack(tmp_path, lengths={"a_1": 12, "b_1": 9}, speakers="ab")
    write_index(tmp_path / "index.json", [manifest])
    monkeypatch.setattr(training, "STEPS", {"cpu": 2})
    before = torch.get_num_threads()
    try:
        call(
            training.main, settings=CONFIG, index=tmp_path / "index.json", threads=1,
            output=tmp_path / "training.json",
        )  # fmt: skip
    finally:
        torch.set_num_threads(before)
    result = json.loads((tmp_path / "training.json").read_text())
    (block,) = result["networks"].values()  # the paper's is for GPUs
    assert block["batch"] == 8 and block["gigaflop_a_pass"] > 0
    for way in (training.PLAIN, training.OURS):
        assert len(block[way]["images_per_second"]) == training.REPEATS
        assert min(block[way]["images_per_second"]) > 0
    assert "| the run's own | 8 | ours |" in (tmp_path / "training.md").read_text()


def test_the_papers_run_has_the_papers_loss_and_no_corruption():
    run = training.paper_run(CONFIG)
    assert (run.diffusion.parameterization, run.network, run.training.batch_size) == ("ddpm", PAPER_CREMA, 10)
    assert dataclasses.asdict(run.conditioning_augmentation) | {"patch_size": 0} == {
        "motion_noise": 0.0, "patch_drop": 0.0, "patch_size": 0, "mouth_drop": 0.0, "audio_drop": 0.0,
        "lip_noise": 0.0,
    }  # fmt: skip
    assert run_settings(CONFIG).conditioning_augmentation.motion_noise > 0
