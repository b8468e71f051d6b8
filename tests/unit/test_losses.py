import pytest
import torch

from dheads_model.diffusion.losses import (
    box_mask,
    box_weights,
    boxes_around,
    ddpm_losses,
    draw_sigmas,
    edm_loss,
    fixed_boxes,
    lip_boxes,
    mouth_boxes,
)
from dheads_model.diffusion.schedules import cosine_schedule
from dheads_model.network.settings import DiffusionSettings
from dheads_model.network.talking_model import TalkingModel
from tests.unit.test_denoiser import make_conditions, make_model
from tests.unit.test_unet import SMALL


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("level", [0.01, 0.5, 20.0])
def test_untrained_loss_is_one_at_every_level(level):
    model, batch = TalkingModel(SMALL, DiffusionSettings(sigma_data=0.5)), 16
    clean = 0.5 * torch.randn(batch, 3, 16, 16, generator=generator())
    noise = torch.randn(clean.shape, generator=generator(1))
    loss = edm_loss(model, clean, make_conditions(batch), torch.full((batch,), level), noise)
    assert loss.shape == (batch,)
    assert loss.mean().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("level", [0.01, 0.5, 20.0])
def test_untrained_loss_is_one_around_the_identity_frame_too(level):
    model, batch = TalkingModel(SMALL, DiffusionSettings(sigma_data=0.2, centre="identity")), 16
    conditions = make_conditions(batch)
    clean = conditions.identity + 0.2 * torch.randn(batch, 3, 16, 16, generator=generator())
    noise = torch.randn(clean.shape, generator=generator(1))
    loss = edm_loss(model, clean, conditions, torch.full((batch,), level), noise)
    assert loss.mean().item() == pytest.approx(1, rel=0.05)


def test_pixel_weights_multiply_the_error():
    model, conditions = make_model(), make_conditions()
    clean, noise, sigma = torch.zeros(3, 3, 16, 16), torch.randn(3, 3, 16, 16), torch.full((3,), 0.5)
    weights = torch.ones(1, 1, 16, 16)
    plain = edm_loss(model, clean, conditions, sigma, noise)
    torch.testing.assert_close(edm_loss(model, clean, conditions, sigma, noise, weights), plain)
    torch.testing.assert_close(edm_loss(model, clean, conditions, sigma, noise, 3 * weights), 3 * plain)
    weights[..., :8, :] = 0
    assert (edm_loss(model, clean, conditions, sigma, noise, weights) < plain).all()


def test_sigmas_are_log_normal_and_stratified():
    logs = draw_sigmas(1000, -1.2, 1.3, generator()).double().log()
    assert float(logs.mean()) == pytest.approx(-1.2, abs=0.01)
    assert float(logs.std()) == pytest.approx(1.3, abs=0.01)
    shares = torch.special.ndtr((logs + 1.2) / 1.3) * 1000
    assert torch.equal(shares.floor(), torch.arange(1000.0, dtype=torch.float64))  # one in each thousandth
    free = draw_sigmas(1000, -1.2, 1.3, generator(), stratified=False).log()
    assert float(free.mean()) == pytest.approx(-1.2, abs=0.15)
    assert not torch.equal(free, free.sort().values)
    assert torch.equal(draw_sigmas(5, 0, 1, generator(3)), draw_sigmas(5, 0, 1, generator(3)))


def test_ddpm_losses_without_learned_variance_have_no_bound():
    model = TalkingModel(SMALL, DiffusionSettings(form="ddpm"))
    boxes = torch.tensor([[0, 16, 0, 16]]).repeat(3, 1)
    clean, noise = torch.zeros(3, 3, 16, 16), torch.randn(3, 3, 16, 16)
    losses = ddpm_losses(
        model, cosine_schedule(1000), clean, make_conditions(), torch.tensor([0, 500, 999]), noise, boxes
    )
    assert not losses.bound.any()
    torch.testing.assert_close(losses.simple, (noise**2).mean(dim=(1, 2, 3)))  # an untrained network predicts 0
    torch.testing.assert_close(losses.lip, losses.simple)  # the box is the whole picture
    torch.testing.assert_close(losses.total(), 1.2 * losses.simple.mean())


def test_boxes_are_grown_and_cut_off():
    points = torch.tensor([[[10.5, 20.2], [14.1, 22.9]], [[1.0, 2.0], [30.0, 31.0]]])
    assert boxes_around(points, 32, 32).tolist() == [[15, 28, 5, 20], [0, 32, 0, 32]]
    assert boxes_around(points[:1], 32, 32, margin=0).tolist() == [[20, 23, 10, 15]]


def test_box_mask():
    mask = box_mask(torch.tensor([[1, 3, 0, 2], [5, 5, 0, 2]]), 4, 6)
    assert mask.shape == (2, 1, 4, 6)
    assert mask[0, 0].nonzero().tolist() == [[1, 0], [1, 1], [2, 0], [2, 1]]
    assert mask[1].all()  # an empty box counts as everything


def test_lips_of_the_target_or_of_the_identity_frame():
    target, identity = torch.zeros(1, 68, 2), torch.zeros(1, 68, 2)
    target[:, 48:], identity[:, 48:] = 20, 10
    assert lip_boxes(target, identity, 32, 32).tolist() == [[15, 25, 15, 25]]
    assert lip_boxes(target, identity, 32, 32, frame="identity").tolist() == [[5, 15, 5, 15]]


def test_mouth_weights():
    landmarks = torch.zeros(2, 68, 2)
    landmarks[:, 48:, 0], landmarks[:, 48:, 1] = 32, 40
    weights = box_weights(mouth_boxes(landmarks, 64, 64), 64, 64, weight=4.0)
    assert weights.shape == (2, 1, 64, 64)
    assert weights[0, 0, 40, 32] == 4
    assert weights[0, 0, 0, 0] == 1  # other landmarks do not count
    assert weights[0].sum() == 64 * 64 + 3 * 6 * 6


def test_a_fixed_box_needs_no_landmarks():
    boxes = fixed_boxes((0.5, 0.75, 0.25, 1.0), 2, 64, 32)
    assert boxes.tolist() == [[32, 48, 8, 32]] * 2
    weights = box_weights(boxes, 64, 32, weight=4.0)
    assert weights.shape == (2, 1, 64, 32)
    assert weights[0].sum() == 64 * 32 + 3 * 16 * 24
