"""Training losses. Randomness comes from arguments: noise, steps, or a generator."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dheads_model.diffusion.boxes import box_mask
from dheads_model.diffusion.conditions import Conditions, encode_conditions
from dheads_model.diffusion.ddpm import add_noise, vlb_term
from dheads_model.diffusion.schedules import DdpmSchedule
from dheads_model.network.talking_model import TalkingModel


@dataclass(frozen=True)
class DdpmLosses:
    """The paper's terms of each sample, `[B]`: noise error, variational bound in bits per dimension, lip error."""

    simple: Tensor
    bound: Tensor
    lip: Tensor

    def total(self, vlb_weight: float = 1e-4, lip_weight: float = 0.2) -> Tensor:
        """Mean of simple + vlb_weight bound + lip_weight lip (paper, equation 19; its code's weights)."""
        return (self.simple + vlb_weight * self.bound + lip_weight * self.lip).mean()


def edm_loss(
    denoised: Tensor, clean: Tensor, sigma: Tensor, sigma_data: float, pixel_weights: Tensor | None = None
) -> Tensor:
    """Weighted squared error of the denoised frame, mean over the pixels, for each sample `[B]`.

    denoised, clean `[B, 3, H, W]`; sigma `[B]`; pixel_weights `[B or 1, 1, H, W]` multiplies the error (None: by 1). The
    weight (sigma^2 + sigma_data^2) / (sigma sigma_data)^2 makes the loss of an untrained network 1 at every sigma
    for frames of standard deviation sigma_data (Karras et al. 2022, equation 8).
    """
    error = (denoised - clean) ** 2
    if pixel_weights is not None:
        error = error * pixel_weights
    return (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2 * error.mean(dim=(1, 2, 3))


def draw_sigmas(
    count: int,
    log_mean: float,
    log_std: float,
    generator: torch.Generator,
    stratified: bool = True,
    strata: Tensor | None = None,
) -> Tensor:
    """Log-normal noise levels, float32 `[count]` on the generator's device (Karras et al. 2022, table 1).

    Stratified: one from each of `count` equally likely ranges, which reduces the variance of the batch mean. strata: the
    range of each row, a permutation of 0 .. count - 1, None for ascending order. Ascending order is correct only if a
    row's number is independent of its clip, because each row then always draws from the same range.
    """
    where = generator.device
    uniform = torch.rand(count, generator=generator, device=where, dtype=torch.float64)
    if stratified:
        uniform = (_strata(strata, count, where) + uniform) / count
    normal = math.sqrt(2) * torch.erfinv((2 * uniform - 1).clamp(-1 + 1e-12, 1 - 1e-12))
    return torch.exp(log_mean + log_std * normal).float()


def draw_steps(count: int, timesteps: int, generator: torch.Generator, strata: Tensor | None = None) -> Tensor:
    """Steps of a DDPM to train on, int64 `[count]`, each uniform in 0 .. timesteps - 1, stratified as in `draw_sigmas`."""
    where = generator.device
    uniform = torch.rand(count, generator=generator, device=where, dtype=torch.float64)
    return ((_strata(strata, count, where) + uniform) / count * timesteps).long().clamp(max=timesteps - 1)


def _strata(given: Tensor | None, count: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device) if given is None else given.to(device)


def ddpm_losses(
    model: TalkingModel,
    schedule: DdpmSchedule,
    clean: Tensor,
    conditions: Conditions,
    steps: Tensor,
    noise: Tensor,
    lip_boxes: Tensor,
) -> DdpmLosses:
    """The paper's loss terms (section 4.4, equation 19) at given steps `[B]` of the full schedule.

    clean, noise `[B, 3, H, W]`; lip_boxes int64 `[B, 4]` of `boxes_around`. The bound trains the variance only: the
    predicted noise is detached in it (Nichol & Dhariwal 2021); without a learned variance it is 0.
    """
    x_t = add_noise(schedule, clean.double(), steps, noise.double()).float()
    times = schedule.timesteps.to(steps.device)[steps].float()
    output = model(x_t, times, encode_conditions(model, conditions))
    error = (output[:, :3] - noise) ** 2
    bound = torch.zeros_like(error[:, 0, 0, 0])
    if output.shape[1] == 6:
        detached = torch.cat([output[:, :3].detach(), output[:, 3:]], dim=1)
        bound = vlb_term(schedule, detached, clean, x_t, steps).float()
    inside = box_mask(lip_boxes, error.shape[-2], error.shape[-1])
    lip = (error * inside).mean(dim=1).sum(dim=(1, 2)) / inside.sum(dim=(1, 2, 3))
    return DdpmLosses(error.mean(dim=(1, 2, 3)), bound, lip)
