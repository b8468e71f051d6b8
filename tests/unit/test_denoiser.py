import dataclasses

import pytest
import torch

from dheads_model.diffusion.conditions import (
    encode_conditions,
    grey,
    to_model_range,
    to_motion_input,
    to_uint8,
)
from dheads_model.diffusion.ddpm import predicted_posterior
from dheads_model.diffusion.denoiser import (
    denoise,
    denoise_encoded,
    edm_coefficients,
    full_schedule,
    time_of_sigma,
)
from dheads_model.errors import UserError
from dheads_model.network.talking_model import TalkingModel
from tests.factories.networks import SMALL, make_conditions, make_model
from tests.factories.settings import plain_diffusion


def test_preconditioning_identities():
    sigma, data = torch.tensor([1e-3, 0.1, 0.5, 3.0, 50.0], dtype=torch.float64), 0.5
    skip, out, scale, _ = edm_coefficients(sigma, data)
    total = sigma**2 + data**2
    torch.testing.assert_close(scale**2 * total, torch.ones_like(sigma))  # network input of unit variance
    # Target of the network (x0 - c_skip x) / c_out, its variance from data and noise:
    target = ((1 - skip) ** 2 * data**2 + skip**2 * sigma**2) / out**2
    torch.testing.assert_close(target, torch.ones_like(sigma))
    weight = total / (sigma * data) ** 2
    torch.testing.assert_close(weight * out**2, torch.ones_like(sigma))


@pytest.mark.parametrize("form", ["edm", "ddpm"])
def test_little_noise_leaves_the_picture(form):
    model, x = make_model(form), torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        denoised = denoise(model, x, torch.full((3,), 1e-4), make_conditions())
    assert (denoised - x).abs().max() < 1e-2


def test_much_noise_is_forgotten():
    model, conditions = make_model(), make_conditions()
    with torch.no_grad():
        denoised = denoise(model, 1e4 * torch.randn(3, 3, 16, 16), torch.full((3,), 1e4), conditions)
    assert denoised.abs().max() < 20  # sigma_data times the network's output


def test_centred_denoiser_knows_the_identity_frame_before_training():
    model, conditions = TalkingModel(SMALL, plain_diffusion(residual_to="identity")), make_conditions()
    with torch.no_grad():
        far = denoise(model, 1e4 * torch.randn(3, 3, 16, 16), torch.full((3,), 1e6), conditions)
        here = denoise(model, conditions.identity, torch.full((3,), 0.5), conditions)
    torch.testing.assert_close(far, conditions.identity, atol=1e-3, rtol=0)
    torch.testing.assert_close(here, conditions.identity)


def test_only_edm_is_centred_on_the_identity_frame():
    with pytest.raises(UserError, match=r"needs diffusion\.parameterization edm"):
        plain_diffusion(parameterization="ddpm", residual_to="identity")
    with pytest.raises(UserError, match="residual_to is 'mean'; it must be one of zero, identity"):
        plain_diffusion(residual_to="mean")


def test_encoded_once_equals_encoded_each_time():
    model, conditions, x = make_model(), make_conditions(), torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        encoded = encode_conditions(model, conditions)
        for level in (0.1, 1.0, 10.0):
            sigma = torch.full((3,), level)
            assert torch.equal(denoise_encoded(model, x, sigma, encoded), denoise(model, x, sigma, conditions))


def test_time_of_sigma_meets_the_schedule():
    schedule = full_schedule(1000)
    torch.testing.assert_close(time_of_sigma(schedule, schedule.sigmas), schedule.timesteps.double(), atol=1e-9, rtol=0)
    between = time_of_sigma(schedule, (schedule.sigmas[7:8] * schedule.sigmas[8:9]).sqrt())
    assert float(between) == pytest.approx(7.5)
    assert time_of_sigma(schedule, torch.tensor([1e-9, 1e9])).tolist() == [0, 999]


def test_discrete_form_agrees_with_the_papers_reverse_step():
    model, conditions, schedule = make_model("ddpm"), make_conditions(), full_schedule(1000)
    steps = torch.tensor([3, 400, 800])
    x_t = 0.3 * torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        output = model(x_t, steps.float(), encode_conditions(model, conditions))
        sigma, scale = schedule.sigmas[steps], schedule.alpha_bar[steps].sqrt().float()[:, None, None, None]
        denoised = denoise(model, x_t / scale, sigma, conditions)
    expected = predicted_posterior(schedule, output, x_t, steps).x0
    torch.testing.assert_close(denoised.clamp(-1, 1), expected, atol=1e-4, rtol=0)


def test_pixels_and_pictures():
    frames = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).repeat(1, 1, 1, 3)
    images = to_model_range(frames)
    assert images.shape == (1, 3, 16, 16)
    assert images.min() == -1
    assert images.max() == 1
    assert torch.equal(to_uint8(images), frames)
    assert torch.equal(to_uint8(images * 3)[..., 0].flatten()[[0, 255]], torch.tensor([0, 255], dtype=torch.uint8))


def test_grey_motion_pictures():
    red = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1).expand(3, 4, 4)
    assert grey(red).shape == (1, 4, 4)
    assert torch.allclose(grey(red), torch.tensor(0.2989))
    frames = torch.randn(2, 2, 3, 4, 4)
    assert torch.equal(to_motion_input(frames, SMALL), torch.cat([grey(frames[:, 0]), grey(frames[:, 1])], dim=1))
    colour = to_motion_input(frames, dataclasses.replace(SMALL, motion_channels=3))
    assert torch.equal(colour, torch.cat([frames[:, 0], frames[:, 1]], dim=1))
