"""The denoiser D(x, sigma, conditions) of a network, for each parameterization.

x = x0 + sigma eps everywhere outside of this file. Losses and samplers depend neither on the scaling of the network's
input and output nor on the discrete time of a DDPM.
"""

import functools

import torch
from torch import Tensor

from dheads_model.diffusion.conditions import Conditions, encode_conditions
from dheads_model.diffusion.schedules import DdpmSchedule, cosine_schedule
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.unet import FrameConditions

_CPU = torch.device("cpu")


def denoise(model: TalkingModel, x: Tensor, sigma: Tensor, conditions: Conditions) -> Tensor:
    """Estimate of the clean frame `[B, 3, H, W]` from a noisy one x = x0 + sigma eps; sigma `[B]`."""
    return denoise_encoded(model, x, sigma, encode_conditions(model, conditions))


def denoise_encoded(model: TalkingModel, x: Tensor, sigma: Tensor, conditions: FrameConditions) -> Tensor:
    """`denoise` with conditions from `encode_conditions`."""
    if model.diffusion_settings.parameterization == "edm":
        return _edm(model, x, sigma.float(), conditions)
    return _ddpm(model, x, sigma, conditions)


def edm_coefficients(sigma: Tensor, sigma_data: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(c_skip, c_out, c_in, noise coordinate) in the shape of sigma: D = c_skip x + c_out F(c_in x, coordinate).

    Karras et al. 2022, table 1: input and training target of F have unit variance at every sigma. Their coordinate is
    ln(sigma) / 4; here it is 4 ln(sigma), because the sinusoids of the time embedding have 1 to 1e-4 radians per unit, and
    halving sigma should change the phase of the fastest ones clearly.
    """
    total = sigma**2 + sigma_data**2
    return sigma_data**2 / total, sigma * sigma_data / total.sqrt(), 1 / total.sqrt(), 4 * sigma.log()


@functools.cache
def full_schedule(timesteps: int, device: torch.device = _CPU) -> DdpmSchedule:
    """The cosine schedule that a network with ddpm parameterization was trained with, cached per device."""
    return cosine_schedule(timesteps).to(device)


def time_of_sigma(schedule: DdpmSchedule, sigma: Tensor) -> Tensor:
    """Discrete time of noise levels `[B]`, interpolated in log sigma, clamped to the schedule; float64 `[B]`."""
    levels = schedule.sigmas.log().to(sigma.device)
    wanted = sigma.double().log().clamp(levels[0], levels[-1])
    above = torch.searchsorted(levels, wanted).clamp(1, len(levels) - 1)
    low, high = levels[above - 1], levels[above]
    times = schedule.timesteps.to(sigma.device).double()
    return torch.lerp(times[above - 1], times[above], (wanted - low) / (high - low))


def _edm(model: TalkingModel, x: Tensor, sigma: Tensor, conditions: FrameConditions) -> Tensor:
    """Preconditioned denoiser (Karras et al. 2022, table 1). With residual_to "identity" it denoises the residual to the
    identity frame, whose standard deviation is sigma_data."""
    skip, out, scale, coordinate = edm_coefficients(sigma, model.diffusion_settings.sigma_data)
    mean = conditions.identity if model.diffusion_settings.residual_to == "identity" else torch.zeros_like(x)
    residual = x - mean
    output = model(_expand_dims(scale) * residual, coordinate, conditions)
    return mean + _expand_dims(skip) * residual + _expand_dims(out) * output


def _ddpm(model: TalkingModel, x: Tensor, sigma: Tensor, conditions: FrameConditions) -> Tensor:
    """The network predicts the noise of x / sqrt(1 + sigma^2), which has unit variance."""
    time = time_of_sigma(full_schedule(model.diffusion_settings.timesteps, x.device), sigma).float()
    level = _expand_dims(sigma.to(x))
    noise = model(x / (1 + level**2).sqrt(), time, conditions)[:, :3]
    return x - level * noise


def _expand_dims(values: Tensor) -> Tensor:
    return values[:, None, None, None]
