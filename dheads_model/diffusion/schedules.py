"""Noise levels: the paper's discrete cosine schedule in float64, and the sigmas of Karras et al.

sigma is the standard deviation of the noise: x = x0 + sigma eps (variance exploding). The discrete schedule is
variance preserving, x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps, so that
sigma^2 = (1 - alpha_bar) / alpha_bar.
"""

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dheads_model.diffusion.settings import check_levels
from dheads_model.errors import UserError


@dataclass(frozen=True)
class DdpmSchedule:
    """A discrete schedule of n steps, each float64 `[n]`; index 0 has the least noise (paper, section 3).

    timesteps: original step numbers, int64, the time input of the network. beta: variance added in a step. alpha_bar,
    alpha_bar_prev: squared signal scale after and before it. beta_tilde: posterior variance; its clipped logarithm uses
    the second entry for the first, which is 0. coef1_x0, coef2_x0: x0 = coef1_x0 x_t - coef2_x0 eps. coef1_q, coef2_q:
    posterior mean = coef1_q x0 + coef2_q x_t.
    """

    timesteps: Tensor
    beta: Tensor
    alpha_bar: Tensor
    alpha_bar_prev: Tensor
    beta_tilde: Tensor
    log_beta_tilde_clipped: Tensor
    coef1_x0: Tensor
    coef2_x0: Tensor
    coef1_q: Tensor
    coef2_q: Tensor

    @property
    def sigmas(self) -> Tensor:
        """Noise level of each step, float64 `[n]`, ascending."""
        return ((1 - self.alpha_bar) / self.alpha_bar).sqrt()

    def to(self, device: torch.device) -> "DdpmSchedule":
        """The schedule on a device."""
        return DdpmSchedule(*(getattr(self, field.name).to(device) for field in dataclasses.fields(self)))


def cosine_schedule(steps: int = 1000) -> DdpmSchedule:
    """The cosine schedule (Nichol & Dhariwal 2021, equation 17; offset 0.008, beta at most 0.999)."""

    def kept(u: float) -> float:
        return math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2

    beta = [min(1 - kept((i + 1) / steps) / kept(i / steps), 0.999) for i in range(steps)]
    return _schedule(torch.arange(steps), torch.tensor(beta, dtype=torch.float64))


def respace(schedule: DdpmSchedule, steps: int) -> DdpmSchedule:
    """A schedule of `steps` evenly spaced noise levels of a full schedule, first and last included (respacing).

    Raises UserError for fewer than 2 steps, more than there are, or a schedule that was respaced before.
    """
    total = len(schedule.timesteps)
    if not torch.equal(schedule.timesteps, torch.arange(total)):
        raise UserError("a schedule can be respaced only once; start from the full one.")
    if not 2 <= steps <= total:
        raise UserError(f"the number of steps must lie between 2 and {total}, not {steps}.")
    kept, place = [], 0.0
    for _ in range(steps):  # accumulated, not multiplied, as in the published code: some values round differently
        kept.append(round(place))
        place += (total - 1) / (steps - 1)
    alpha_bar = schedule.alpha_bar[kept]
    before = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    return _schedule(torch.tensor(kept), 1 - alpha_bar / before)


def karras_sigmas(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    """Descending noise levels, evenly spaced in sigma^(1/rho), then 0; float64 `[steps + 1]`.

    Karras et al. 2022, equation 5. With one step the levels are sigma_max and 0.
    """
    check_levels(steps, sigma_min, sigma_max)
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return torch.cat([(high + ramp * (low - high)) ** rho, torch.zeros(1, dtype=torch.float64)])


def ddpm_sigmas(schedule: DdpmSchedule) -> Tensor:
    """The noise levels of a discrete schedule for a sampler: descending, then 0; float64 `[n + 1]`."""
    return torch.cat([schedule.sigmas.flip(0), torch.zeros(1, dtype=torch.float64)])


def _schedule(timesteps: Tensor, beta: Tensor) -> DdpmSchedule:
    alpha_bar = torch.cumprod(1 - beta, dim=0)
    before = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    beta_tilde = beta * (1 - before) / (1 - alpha_bar)
    return DdpmSchedule(
        timesteps=timesteps,
        beta=beta,
        alpha_bar=alpha_bar,
        alpha_bar_prev=before,
        beta_tilde=beta_tilde,
        log_beta_tilde_clipped=torch.cat([beta_tilde[1:2], beta_tilde[1:]]).log(),
        coef1_x0=(1 / alpha_bar).sqrt(),
        coef2_x0=(1 / alpha_bar - 1).sqrt(),
        coef1_q=beta * before.sqrt() / (1 - alpha_bar),
        coef2_q=(1 - before) * (1 - beta).sqrt() / (1 - alpha_bar),
    )
