"""What a sampler is: a function of a denoiser, a noisy start and a falling list of noise levels.

`denoise(x, sigma)` returns the estimate of the clean image for x = x0 + sigma eps, sigma a float. `sigmas` falls to 0;
x starts as sigmas[0] times unit normal noise. `draw(i)` returns the unit normal noise of step i = 1, 2, ... in the shape
of x. Standard library only, as the modules of the samplers are when they are imported: planning reads them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    Denoise = Callable[[Tensor, float], Tensor]
    Predict = Callable[[Tensor, int], Tensor]
    Draw = Callable[[int], Tensor]


@dataclass(frozen=True)
class Sampler:
    """A sampler and what it needs.

    solve: function of (denoise, x, sigmas, draw, eta); with needs_ddpm of (predict, x, schedule, draw, eta), see
    `ancestral_ddpm`. eta is sampling.eta; deterministic samplers take no notice of it.
    evaluations: network evaluations (NFE) of a frame, without guidance, as a function of the number of steps.
    needs_ddpm: for models of diffusion.parameterization ddpm only.
    ddpm_levels: on such a model it takes the discrete schedule's own noise levels, respaced, instead of Karras' list.
    needs_consistency: for models distilled for consistency, and those need it.
    """

    solve: Callable[..., Tensor]
    evaluations: Callable[[int], int]
    needs_ddpm: bool = False
    ddpm_levels: bool = False
    needs_consistency: bool = False


def level_pairs(sigmas: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Each noise level with the next one."""
    return itertools.pairwise(float(sigma) for sigma in sigmas)
