"""Multistep consistency sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dheads_model.diffusion.sampler import Sampler, level_pairs

if TYPE_CHECKING:
    from torch import Tensor

    from dheads_model.diffusion.sampler import Denoise, Draw


def consistency(denoise: Denoise, x: Tensor, sigmas: Sequence[float], draw: Draw) -> Tensor:
    """Multistep consistency sampling (Song et al. 2023, algorithm 1): each step estimates the frame and adds fresh noise.

    One network evaluation per step; trajectories end at sigma 0, so the added noise has the next level's deviation. With
    one step it equals `euler`.
    """
    for step, (sigma, after) in enumerate(level_pairs(sigmas), start=1):
        x = denoise(x, sigma)
        if after > 0:
            x = x + after * draw(step)
    return x


SAMPLER = Sampler(
    solve=lambda denoise, x, sigmas, draw, eta: consistency(denoise, x, sigmas, draw),
    evaluations=lambda steps: steps,
    needs_consistency=True,
)
