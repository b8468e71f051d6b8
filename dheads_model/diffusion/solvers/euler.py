"""Euler's method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dheads_model.diffusion.sampler import Sampler, level_pairs

if TYPE_CHECKING:
    from torch import Tensor

    from dheads_model.diffusion.sampler import Denoise


def euler(denoise: Denoise, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """First-order solution of dx/dsigma = (x - D) / sigma, one network evaluation per step (Karras et al. 2022, eq. 4)."""
    for sigma, after in level_pairs(sigmas):
        denoised = denoise(x, sigma)
        x = denoised + after / sigma * (x - denoised)
    return x


SAMPLER = Sampler(
    solve=lambda denoise, x, sigmas, draw, eta: euler(denoise, x, sigmas), evaluations=lambda steps: steps
)
