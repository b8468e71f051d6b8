"""The paper's reverse process (section 3) on the discrete schedule: noise prediction, learned variance."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dheads_model.diffusion.schedules import DdpmSchedule


@dataclass(frozen=True)
class Posterior:
    """Distribution of x_{t-1}: mean and log-variance, and the clean frame x0 it was computed from.

    mean, x0: `[B, 3, H, W]`; log_variance the same, or `[B, 1, 1, 1]` without learned variance; dtype of x_t.
    """

    mean: Tensor
    log_variance: Tensor
    x0: Tensor


def add_noise(schedule: DdpmSchedule, x0: Tensor, steps: Tensor, noise: Tensor) -> Tensor:
    """x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) noise at indices `[B]` into the schedule (paper, section 3)."""
    kept = schedule.alpha_bar.to(x0.device)[steps]
    return _expand_dims(kept.sqrt(), x0) * x0 + _expand_dims((1 - kept).sqrt(), x0) * noise


def true_posterior(schedule: DdpmSchedule, x0: Tensor, x_t: Tensor, steps: Tensor) -> Posterior:
    """q(x_{t-1} | x_t, x0), with the schedule's clipped log-variance."""
    mean = _at(schedule.coef1_q, steps, x_t) * x0 + _at(schedule.coef2_q, steps, x_t) * x_t
    return Posterior(mean, _at(schedule.log_beta_tilde_clipped, steps, x_t), x0)


def predicted_posterior(schedule: DdpmSchedule, output: Tensor, x_t: Tensor, steps: Tensor) -> Posterior:
    """p(x_{t-1} | x_t) from the network's output; the predicted x0 is clamped to [-1, 1].

    output: `[B, 6, H, W]`, noise and nu in [-1, 1]: log-variance = v log(beta) + (1 - v) log(beta_tilde) with
    v = (nu + 1) / 2 (Nichol & Dhariwal 2021, equation 15); or `[B, 3, H, W]`, noise alone, with beta as the variance.
    steps: indices `[B]`.
    """
    noise = output[:, :3]
    x0 = _at(schedule.coef1_x0, steps, x_t) * x_t - _at(schedule.coef2_x0, steps, x_t) * noise
    x0 = x0.clamp(-1, 1)
    mean = true_posterior(schedule, x0, x_t, steps).mean
    if output.shape[1] == 3:
        return Posterior(mean, _at(schedule.beta.log(), steps, x_t), x0)
    share = (output[:, 3:] + 1) / 2
    high, low = _at(schedule.beta.log(), steps, x_t), _at(schedule.log_beta_tilde_clipped, steps, x_t)
    return Posterior(mean, share * high + (1 - share) * low, x0)


def gaussian_kl(mean_1: Tensor, log_variance_1: Tensor, mean_2: Tensor, log_variance_2: Tensor) -> Tensor:
    """KL divergence of two normal distributions per element, in nats."""
    return 0.5 * (
        log_variance_2 - log_variance_1 - 1
        + torch.exp(log_variance_1 - log_variance_2)
        + (mean_1 - mean_2) ** 2 * torch.exp(-log_variance_2)
    )  # fmt: skip


def discretised_nll(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Negative log-likelihood in nats per element of 8-bit pixels x in [-1, 1] under a normal distribution.

    log_scale: logarithm of its standard deviation. A pixel is the interval of half-width 1/255 around its value; the
    outermost intervals extend to infinity. The normal distribution function is approximated with tanh, probabilities
    are at least 1e-12 (Ho et al. 2020, equation 13).
    """
    centred, narrow = x - mean, torch.exp(-log_scale)
    above, below = _normal_cdf(narrow * (centred + 1 / 255)), _normal_cdf(narrow * (centred - 1 / 255))
    likelihood = torch.where(x < -0.999, above, torch.where(x > 0.999, 1 - below, above - below))
    return -likelihood.clamp(min=1e-12).log()


def vlb_term(schedule: DdpmSchedule, output: Tensor, x0: Tensor, x_t: Tensor, steps: Tensor) -> Tensor:
    """Term of the variational bound at each sample's step, bits per dimension, float64 `[B]`.

    KL divergence of the true and the predicted posterior; at the last step (original time 0) the discretised likelihood of
    x0 instead. float64, because float32 cancellation is too large at small steps.
    """
    x0, x_t, output = x0.double(), x_t.double(), output.double()
    true, predicted = true_posterior(schedule, x0, x_t, steps), predicted_posterior(schedule, output, x_t, steps)
    divergence = gaussian_kl(true.mean, true.log_variance, predicted.mean, predicted.log_variance)
    likelihood = discretised_nll(x0, predicted.mean, 0.5 * predicted.log_variance)
    first = (schedule.timesteps.to(steps.device)[steps] == 0)[:, None, None, None]
    return torch.where(first, likelihood, divergence).mean(dim=(1, 2, 3)) / math.log(2)


def _normal_cdf(x: Tensor) -> Tensor:
    return 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _at(values: Tensor, steps: Tensor, like: Tensor) -> Tensor:
    return _expand_dims(values.to(steps.device)[steps], like)


def _expand_dims(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like)[:, None, None, None]
