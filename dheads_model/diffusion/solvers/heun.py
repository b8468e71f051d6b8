"""Heun's method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dheads_model.diffusion.sampler import Sampler, level_pairs

if TYPE_CHECKING:
    from torch import Tensor

    from dheads_model.diffusion.sampler import Denoise


def heun(denoise: Denoise, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Second-order solution of the same ODE: 2 network evaluations per step, 1 in the last (Karras et al. 2022, alg. 1)."""
    for sigma, after in level_pairs(sigmas):
        slope = (x - denoise(x, sigma)) / sigma
        ahead = x + (after - sigma) * slope
        if after > 0:
            slope = (slope + (ahead - denoise(ahead, after)) / after) / 2
        x = x + (after - sigma) * slope
    return x


SAMPLER = Sampler(
    solve=lambda denoise, x, sigmas, draw, eta: heun(denoise, x, sigmas), evaluations=lambda steps: 2 * steps - 1
)
