"""Muon: what it makes of a gradient, and which weights it trains."""

import pytest
import torch

from dheads_model.network.talking_model import TalkingModel
from dheads_model.training.muon import Muon, orthogonalised
from dheads_model.training.parameters import muon_weights, parameter_groups
from dheads_model.training.settings import run_settings
from tests.factories.training import CONFIG, changed


def in_sequence(tasks):
    return (task() for task in tasks)


@pytest.mark.parametrize("shape", [(3, 6, 20), (2, 20, 6)])
def test_directions_stay_and_their_strengths_become_nearly_equal(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, strengths, right = torch.linalg.svd(matrices, full_matrices=False)
    assert strengths.max() > 2 * strengths.min()
    inside = left.mT @ orthogonalised(matrices) @ right.mT
    strengths = inside.diagonal(dim1=1, dim2=2)
    assert strengths.min() > 0.6 and strengths.max() < 1.3
    torch.testing.assert_close(inside, torch.diag_embed(strengths), atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e3])
def test_a_step_is_as_large_as_one_of_adam_whatever_the_size_of_the_gradient(size):
    weight = torch.nn.Parameter(torch.zeros(8, 4, 3, 3))
    weight.grad = size * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    Muon([weight], 0.5).step(in_sequence)
    assert weight.square().mean().sqrt().item() == pytest.approx(0.2 * 0.5, rel=0.25)
    assert (weight * weight.grad).sum() < 0


def test_a_weight_without_a_gradient_stays():
    weight = torch.nn.Parameter(torch.ones(8, 4, 3, 3))
    Muon([weight], 0.5).step(in_sequence)
    assert torch.equal(weight, torch.ones(8, 4, 3, 3))


def test_it_trains_the_inner_convolutions_of_the_unet_and_adam_all_else():
    run = run_settings(CONFIG)
    model = TalkingModel(run.network, run.diffusion)
    mine = {id(weight) for weight in muon_weights(model, run.training)}
    others = [id(weight) for group in parameter_groups(model, run.training) for weight in group["params"]]
    names = {name for name, weight in model.named_parameters() if id(weight) in mine}
    assert {"unet.middle.0.block.conv_in.weight", "unet.encoder.0.block.conv_out.weight"} <= names
    assert not [name for name in names if "stem" in name or name.startswith(("unet.head.", "audio_encoder."))]
    assert all(weight.dim() > 2 for weight in model.parameters() if id(weight) in mine)
    assert sorted([*mine, *others]) == sorted(id(weight) for weight in model.parameters())


def test_without_its_rate_adam_trains_all_weights():
    run = run_settings(changed(muon_learning_rate=None))
    model = TalkingModel(run.network, run.diffusion)
    assert muon_weights(model, run.training) == []
    assert sum(len(group["params"]) for group in parameter_groups(model, run.training)) == len([*model.parameters()])
