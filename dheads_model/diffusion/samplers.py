"""Samplers. Each is a function of a denoiser, the initial noise and a descending list of noise levels.

`denoise(x, sigma)` returns the estimate of the clean frame for x = x0 + sigma eps, sigma a float. `sigmas` descends to
0; x is initially sigmas[0] times normal noise. `draw(i)` returns the normal noise of step i = 1, 2, ... in the shape of x.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from dheads_model.diffusion.ddpm import predicted_posterior
from dheads_model.diffusion.schedules import DdpmSchedule

Denoise = Callable[[Tensor, float], Tensor]
Draw = Callable[[int], Tensor]


def euler(denoise: Denoise, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """First-order solution of dx/dsigma = (x - D) / sigma, one network evaluation per step (Karras et al. 2022, eq. 4)."""
    for sigma, after in _pairs(sigmas):
        denoised = denoise(x, sigma)
        x = denoised + after / sigma * (x - denoised)
    return x


def heun(denoise: Denoise, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Second-order solution of the same ODE: 2 network evaluations per step, 1 in the last (Karras et al. 2022, alg. 1)."""
    for sigma, after in _pairs(sigmas):
        slope = (x - denoise(x, sigma)) / sigma
        ahead = x + (after - sigma) * slope
        if after > 0:
            slope = (slope + (ahead - denoise(ahead, after)) / after) / 2
        x = x + (after - sigma) * slope
    return x


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Second-order multistep in log sigma, one network evaluation per step (DPM-Solver++(2M), Lu et al. 2022, alg. 2).

    The first and the last step are first order: the first has no earlier estimate, the last one ends at sigma 0.
    """
    earlier, before = None, None
    for sigma, after in _pairs(sigmas):
        denoised = denoise(x, sigma)
        target = denoised
        if earlier is not None and after > 0:
            half_ratio = math.log(sigma / after) / math.log(before / sigma) / 2
            target = denoised + half_ratio * (denoised - earlier)
        x = target + after / sigma * (x - target)
        earlier, before = denoised, sigma
    return x


def ddim(denoise: Denoise, x: Tensor, sigmas: Sequence[float], draw: Draw, eta: float = 0.0) -> Tensor:
    """DDIM (Song et al. 2021, equation 12): eta 0 is deterministic and equals `euler`, eta 1 draws from q(. | x, D).

    With eta 1 and the exact denoiser this is DDPM's ancestral sampling with the lower variance bound, beta_tilde.
    """
    for step, (sigma, after) in enumerate(_pairs(sigmas), start=1):
        denoised = denoise(x, sigma)
        fresh = eta * after * (1 - (after / sigma) ** 2) ** 0.5
        kept = (after**2 - fresh**2) ** 0.5
        x = denoised + kept / sigma * (x - denoised)
        if fresh > 0:
            x = x + fresh * draw(step)
    return x


def ancestral_ddpm(predict: Callable[[Tensor, int], Tensor], x: Tensor, schedule: DdpmSchedule, draw: Draw) -> Tensor:
    """Ancestral DDPM sampling, the paper's sampler (section 3): each step draws from the predicted posterior.

    `predict(x_t, index)` returns the network's output for step `index` of the (respaced) schedule, learned variance
    included. x and the result are variance preserving: x is initially unit normal noise. No noise is added at original
    time 0.
    """
    times = schedule.timesteps.tolist()
    for number, index in enumerate(reversed(range(len(times))), start=1):
        steps = torch.full((len(x),), index, device=x.device)
        posterior = predicted_posterior(schedule, predict(x, index), x, steps)
        x = posterior.mean
        if times[index] != 0:
            x = x + (0.5 * posterior.log_variance).exp() * draw(number)
    return x


def _pairs(sigmas: Sequence[float]):
    levels = [float(sigma) for sigma in sigmas]
    return itertools.pairwise(levels)
