"""DPM-Solver++(2M)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dheads_model.diffusion.sampler import Sampler, level_pairs

if TYPE_CHECKING:
    from torch import Tensor

    from dheads_model.diffusion.sampler import Denoise


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Second-order multistep in log sigma, one network evaluation per step (DPM-Solver++(2M), Lu et al. 2022, alg. 2).

    The first and the last step are first order: the first has no earlier estimate, the last one ends at sigma 0.
    """
    earlier, before = None, None
    for sigma, after in level_pairs(sigmas):
        denoised = denoise(x, sigma)
        target = denoised
        if earlier is not None and after > 0:
            half_ratio = math.log(sigma / after) / math.log(before / sigma) / 2
            target = denoised + half_ratio * (denoised - earlier)
        x = target + after / sigma * (x - target)
        earlier, before = denoised, sigma
    return x


SAMPLER = Sampler(
    solve=lambda denoise, x, sigmas, draw, eta: dpmpp_2m(denoise, x, sigmas), evaluations=lambda steps: steps
)
