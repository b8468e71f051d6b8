"""One frame from noise: sampler, noise levels and classifier-free guidance, as configured."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from dheads_model.diffusion.conditions import Conditions, encode_conditions, with_dropped_conditions
from dheads_model.diffusion.denoiser import denoise_encoded, full_schedule
from dheads_model.diffusion.sampler import Sampler
from dheads_model.diffusion.samplers import SAMPLERS
from dheads_model.diffusion.schedules import DdpmSchedule, ddpm_sigmas, karras_sigmas, respace
from dheads_model.diffusion.settings import SamplingSettings
from dheads_model.errors import UserError
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.unet import FrameConditions


def sample_frame(
    model: TalkingModel, conditions: Conditions, settings: SamplingSettings, draw: Callable[[int], Tensor]
) -> Tensor:
    """A frame `[B, 3, S, S]`, about in [-1, 1], for each sample of the conditions.

    draw(0) is the initial noise, draw(1), draw(2), ... that of the steps, each unit normal `[B, 3, S, S]`. NFE per frame:
    settings.steps (about twice that with heun), doubled by guidance. Raises UserError for a sampler that does not fit the
    model's parameterization.
    """
    encoded = _encode(model, conditions, settings)
    discrete = model.diffusion_settings.parameterization == "ddpm"
    sampler = SAMPLERS[settings.sampler]
    if sampler.needs_ddpm:
        if not discrete:
            raise UserError(
                f"sampling.sampler {settings.sampler} needs a model with diffusion.parameterization ddpm; use ddim with eta 1."
            )
        return _sample_discrete(sampler, model, encoded, settings, draw)

    def denoise(x: Tensor, sigma: float) -> Tensor:
        def estimate(x: Tensor, conditions: FrameConditions) -> Tensor:
            return denoise_encoded(model, x, torch.full((len(x),), sigma, device=x.device), conditions)

        return _guided(estimate, x, encoded, settings, sigma).clamp(-1, 1)

    if sampler.ddpm_levels and discrete:
        sigmas = ddpm_sigmas(_respaced(model.diffusion_settings.timesteps, settings.steps, torch.device("cpu")))
    else:
        sigmas = karras_sigmas(settings.steps, settings.sigma_min, settings.sigma_max, settings.rho)
    levels = sigmas.tolist()
    # With residual_to "identity" the noise is added to the identity frame: sigma_max need only exceed the residual.
    mean = encoded.identity[: len(conditions.identity)] if model.diffusion_settings.residual_to == "identity" else 0.0
    start = mean + levels[0] * draw(0)
    return sampler.solve(denoise, start, levels, draw, settings.eta)


def _sample_discrete(
    sampler: Sampler,
    model: TalkingModel,
    conditions: FrameConditions,
    settings: SamplingSettings,
    draw: Callable[[int], Tensor],
) -> Tensor:
    """A frame by a sampler that takes the network's output on the discrete schedule."""
    schedule = _respaced(model.diffusion_settings.timesteps, settings.steps, conditions.stem.device)
    times, levels = schedule.timesteps.tolist(), schedule.sigmas.tolist()

    def predict(x: Tensor, index: int) -> Tensor:
        def output(x: Tensor, conditions: FrameConditions) -> Tensor:
            return model(x, torch.full((len(x),), float(times[index]), device=x.device), conditions)

        return _guided(output, x, conditions, settings, levels[index])

    return sampler.solve(predict, draw(0), schedule, draw, settings.eta)


@functools.cache
def _respaced(timesteps: int, steps: int, device: torch.device) -> DdpmSchedule:
    return respace(full_schedule(timesteps), steps).to(device)


def _encode(model: TalkingModel, conditions: Conditions, settings: SamplingSettings) -> FrameConditions:
    """Encoded conditions of a frame; with guidance all samples with audio, then all with the audio condition dropped."""
    if settings.guidance_scale == 1:
        return encode_conditions(model, conditions)
    return encode_conditions(model, with_dropped_conditions(conditions))


def _guided(evaluate, x: Tensor, conditions: FrameConditions, settings: SamplingSettings, sigma: float) -> Tensor:
    """evaluate(x, conditions) with classifier-free guidance if sigma is in the guidance interval."""
    low, high = settings.guidance_interval
    if settings.guidance_scale == 1 or not low <= sigma <= high:
        return evaluate(x, conditions.rows(0, len(x)))
    return guided(evaluate, x, conditions, settings.guidance_scale)


def guided(evaluate, x: Tensor, conditions: FrameConditions, scale: float) -> Tensor:
    """evaluate(x, conditions) with classifier-free guidance, of conditions encoded with `with_dropped_conditions`.

    Guidance applies to the first three channels (frame or noise: each is linear in the other); a learned variance is
    taken from the evaluation with audio.
    """
    with_audio, without = evaluate(x.repeat(2, 1, 1, 1), conditions).chunk(2)
    frames = without[:, :3] + scale * (with_audio[:, :3] - without[:, :3])
    return torch.cat([frames, with_audio[:, 3:]], dim=1)
