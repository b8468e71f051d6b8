"""Details of training that change no shape and stop no run when they are wrong."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import Batch
from dheads_model.training.log import read_log
from dheads_model.training.loop import train
from dheads_model.training.objective import draw_batch
from dheads_model.training.settings import run_settings
from dheads_model.training.validation import validation_loss
from tests.factories.training import CONFIG, DDPM, changed, plain_training
from tests.workflow import ROOT

CPU = torch.device("cpu")


def undropped(**training):
    config = changed(**training)
    return {**config, "network": {**config["network"], "dropout": 0.0}}


def test_the_averaged_weights_are_what_is_kept_and_validated(clips, tmp_path):
    config = undropped(images=32, ema_decay=0.9)
    run = run_settings(config)
    trained = train(run, config, clips, clips[:2], "data", tmp_path)
    model, average = plain_training(run, clips)
    current = {name: value.clone() for name, value in model.state_dict().items()}
    assert max((average[name] - current[name]).abs().max() for name in current) > 2e-3, (
        "they could be taken for each other"
    )
    for name, value in average.items():
        torch.testing.assert_close(trained.weights[name], value, atol=2e-4, rtol=1e-3, msg=name)
    losses = {}
    for which, weights in (("averaged", trained.weights), ("current", current)):
        model.load_state_dict(weights)
        losses[which] = validation_loss(model.eval(), clips[:2], run, CPU)
    logged = read_log(tmp_path / "training.jsonl")[-1]["validation_loss"]
    assert logged == pytest.approx(losses["averaged"], rel=1e-4)
    assert logged != pytest.approx(losses["current"], rel=1e-3)


def test_gradients_are_clipped_before_the_step(clips, tmp_path):
    # Adam forgets the size of gradients unless they are far below its epsilon of 1e-8.
    config = undropped(images=32, ema_decay=0.0, gradient_clip=1e-11)
    run = run_settings(config)
    trained = train(run, config, clips, [], "data", tmp_path)
    torch.manual_seed(run.training.seed)
    for name, value in TalkingModel(run.network, run.diffusion).state_dict().items():
        moved = (trained.weights[name] - value).abs().max()
        assert moved < run.training.steps * run.training.learning_rate * 1e-11 / 1e-8, name


PROCESS = """
import torch
from dheads_model.training.distributed import init_distributed
with init_distributed() as ranks:
    model = torch.nn.Linear(2, 1, bias=False)
    model.weight.grad = torch.tensor([[1.0, 10.0]]) * (ranks.rank + 1)
    ranks.average_gradients(model)
    assert model.weight.grad.tolist() == [[1.5, 15.0]], model.weight.grad
"""


def test_gradients_are_means_over_the_processes(tmp_path):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    (tmp_path / "process.py").write_text(PROCESS)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*launcher, str(tmp_path / "process.py")], env=environment, text=True, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(
    "config",
    [
        CONFIG,
        {**DDPM, "training": {**DDPM["training"], "flip": True}},
        {**DDPM, "compat": "published", "training": {**DDPM["training"], "flip": True}},
    ],
    ids=["edm", "paper", "published"],
)
def test_boxes_move_with_the_lips_of_mirrored_pictures(config):
    count, size = 32, 16
    frames = np.zeros((count, size, size, 3), np.uint8)
    frames[:, 9:11, 2:4] = 255  # the lips, at the left edge
    marks = np.full((count, 68, 2), 8, np.float32)
    marks[:, 48:] = (2.5, 9.5)
    sound = np.zeros((count, 5, 4, 80), np.float32)
    motion = np.stack([frames, frames], axis=1)
    given = Batch(frames, frames, motion, sound, marks, marks, marks, ("c",) * count, np.arange(count))
    drawn = draw_batch(given, run_settings(config), 3, 5, True, CPU)
    mirrored = drawn.clean[:, 0, 9, 2] < 0
    assert 4 < mirrored.sum() < count - 4
    for picture, (top, bottom, left, right) in zip(drawn.clean, drawn.boxes.tolist(), strict=True):
        rows, columns = (picture[0] > 0).nonzero(as_tuple=True)
        assert top <= rows.min() and rows.max() < bottom
        assert left <= columns.min() and columns.max() < right
        assert right - left < size, "a box as wide as the picture would hold them anyway"
