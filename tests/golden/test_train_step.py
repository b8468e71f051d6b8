"""The paper's three losses and their gradients against one published training step."""

import numpy as np
import pytest
import torch

from dheads_model.diffusion.boxes import boxes_around
from dheads_model.diffusion.conditions import Conditions
from dheads_model.diffusion.denoiser import full_schedule
from dheads_model.diffusion.losses import ddpm_losses
from dheads_model.published.unet_weights import published_names


@pytest.fixture
def losses(numbers, published_model, device):
    """(stored numbers, model, losses of the stored step)."""
    stored, model = numbers("train_step"), published_model(False).to(device)
    tensors = {key: torch.from_numpy(value).to(device) for key, value in stored.items() if value.dtype.kind != "U"}
    conditions = Conditions(tensors["x_cond"], tensors["motion_frames"], tensors["audio_emb"])
    boxes = boxes_around(tensors["landmarks_xy"], 32, 32)
    found = ddpm_losses(
        model, full_schedule(1000, device), tensors["x0"], conditions, tensors["timesteps"], tensors["eps"], boxes
    )
    return stored, model, found


def test_losses(losses):
    stored, _, found = losses
    assert found.simple.mean().item() == pytest.approx(float(stored["loss_simple_f64ref"]), rel=1e-5)
    assert found.bound.mean().item() == pytest.approx(float(stored["loss_vlb_f64ref"]), rel=1e-5)
    assert found.lip.mean().item() == pytest.approx(float(stored["loss_lip_f64ref"]), rel=1e-5)
    assert found.total().item() == pytest.approx(float(stored["loss_total"]), rel=1e-5)


def test_gradients(losses):
    stored, model, found = losses
    found.total(float(stored["vlb_weight"]), float(stored["lip_weight"])).backward()
    published = published_names(model.unet)
    lengths = {published[name]: float(parameter.grad.norm()) for name, parameter in model.unet.named_parameters()}
    assert sorted(lengths) == sorted(stored["param_names"].tolist())
    ours = [lengths[name] for name in stored["param_names"].tolist()]
    np.testing.assert_allclose(ours, stored["grad_l2_f64ref"], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(model.unet.head.weight.grad.cpu(), stored["grad_out_conv_weight"], atol=1e-5)


def test_bound_trains_the_variance_only(losses):
    _, model, found = losses
    found.bound.sum().backward()
    assert model.unet.head.bias.grad[:3].abs().max() == 0
    assert model.unet.head.bias.grad[3:].abs().max() > 0
