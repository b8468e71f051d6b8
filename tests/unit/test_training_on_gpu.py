"""The network and its training on a GPU, against the same on the CPU. Needs CUDA; skipped without."""

import copy
import dataclasses

import pytest
import torch

from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.unet import UNet
from dheads_model.shards.loader import sample_batch
from dheads_model.training import loop
from dheads_model.training.distributed import Distributed
from dheads_model.training.log import read_log
from dheads_model.training.loop import train
from dheads_model.training.objective import DrawnBatch, batch_loss, draw_batch
from dheads_model.training.settings import run_settings
from tests.factories.networks import SMALL, inputs, settled
from tests.factories.training import CONFIG, DDPM, changed
from tests.factories.training import run as run_training
from tests.gpu import GPU, needs_gpu

pytestmark = needs_gpu
CPU = torch.device("cpu")
# bfloat16 keeps 8 bits of a number: an error of 1 in 256 for each of many, which average out.
BFLOAT16_ERROR = 0.02


@pytest.fixture(autouse=True)
def exact_convolutions(monkeypatch):
    """Without TF32, which has 10 bits, so that float32 means the same on both."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Root mean squared difference over that of what is wanted."""
    return ((found.cpu().double() - wanted.double()).norm() / wanted.double().norm()).item()


def moved(drawn: DrawnBatch, device: torch.device) -> DrawnBatch:
    given = drawn.conditions
    parts = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
    conditions = type(given)(**{name: None if part is None else part.to(device) for name, part in parts.items()})
    tensors = (drawn.clean, drawn.noise, drawn.levels, drawn.boxes)
    clean, noise, levels, boxes = (tensor.to(device) for tensor in tensors)
    return DrawnBatch(clean, conditions, noise, levels, boxes)


def test_a_network_says_the_same():
    network = settled(UNet(SMALL))
    given = inputs(SMALL)
    with torch.inference_mode():
        wanted = network(**given)
        network.to(GPU)
        given = {name: value.to(GPU) for name, value in given.items()}
        assert error(network(**given), wanted) < 1e-5
        with torch.autocast("cuda", dtype=torch.bfloat16):
            assert error(network(**given).float(), wanted) < BFLOAT16_ERROR


@pytest.mark.parametrize("config", [CONFIG, DDPM], ids=["edm", "ddpm"])
def test_loss_and_gradient_are_those_of_the_cpu(clips, config):
    run = run_settings({**config, "network": {**config["network"], "dropout": 0.0}})
    drawn = draw_batch(sample_batch(clips, 8, 1, 0), run, 1, 0, True, CPU)
    plain = settled(TalkingModel(run.network, run.diffusion)).train()
    placed = copy.deepcopy(plain).to(GPU)
    wanted = batch_loss(plain, drawn, run)
    wanted.total.backward()
    gradient = torch.cat([weight.grad.flatten() for weight in plain.parameters()])
    for precision, allowed in ((torch.float32, 1e-4), (torch.bfloat16, 2 * BFLOAT16_ERROR)):
        placed.zero_grad()
        placed.precision = precision
        found = batch_loss(placed, moved(drawn, GPU), run)
        found.total.backward()
        assert found.total.item() == pytest.approx(wanted.total.item(), rel=allowed)
        assert found.bins.tolist() == wanted.bins.tolist()
        assert error(torch.cat([weight.grad.flatten() for weight in placed.parameters()]), gradient) < allowed


@pytest.mark.parametrize("config", [CONFIG, DDPM], ids=["edm", "ddpm"])
def test_a_training_learns_and_goes_on_where_it_stopped(clips, tmp_path, monkeypatch, config):
    config = {**config, "training": changed(images=4000, log_every_images=400, ema_decay=0.98)["training"]}
    whole = run_training(config, clips, tmp_path / "whole")
    log = read_log(tmp_path / "whole" / "training.jsonl")
    assert log[-1]["loss"] < 0.9 * log[0]["loss"] and log[-1]["memory_mib"] > 0
    run_training(config, clips, tmp_path / "cut", 203, monkeypatch)
    resumed = run_training(config, clips, tmp_path / "cut")
    again = read_log(tmp_path / "cut" / "training.jsonl")
    assert [entry["images"] for entry in again] == [entry["images"] for entry in log]
    # Sums over threads of a GPU come in any order, so the last bits differ and a training spreads them.
    assert again[-1]["loss"] == pytest.approx(log[-1]["loss"], rel=0.1)
    assert resumed.images == whole.images == 4000


def test_no_step_of_a_training_waits_for_the_gpu(clips, tmp_path, monkeypatch):
    waits = []
    steps = loop.batch_loss

    def watched(*arguments):
        torch.cuda.set_sync_debug_mode("error" if waits else "default")
        waits.append(1)
        return steps(*arguments)

    monkeypatch.setattr(loop, "batch_loss", watched)
    try:
        train(
            run_settings(changed(images=80, log_every_images=80, validation_every_images=80, state_every_images=80)),
            CONFIG, clips, [], "data", tmp_path, Distributed(0, 1, GPU),
        )  # fmt: skip
    except RuntimeError as problem:
        # The last step's line of the log reads its numbers.
        assert len(waits) == 10, f"step {len(waits)} waited: {problem}"
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert len(waits) == 10
