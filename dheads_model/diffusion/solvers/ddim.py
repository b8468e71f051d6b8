"""DDIM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dheads_model.diffusion.sampler import Sampler, level_pairs

if TYPE_CHECKING:
    from torch import Tensor

    from dheads_model.diffusion.sampler import Denoise, Draw


def ddim(denoise: Denoise, x: Tensor, sigmas: Sequence[float], draw: Draw, eta: float = 0.0) -> Tensor:
    """DDIM (Song et al. 2021, equation 12): eta 0 is deterministic and equals `euler`, eta 1 draws from q(. | x, D).

    With eta 1 and the exact denoiser this is DDPM's ancestral sampling with the lower variance bound, beta_tilde.
    """
    for step, (sigma, after) in enumerate(level_pairs(sigmas), start=1):
        denoised = denoise(x, sigma)
        fresh = eta * after * (1 - (after / sigma) ** 2) ** 0.5
        kept = (after**2 - fresh**2) ** 0.5
        x = denoised + kept / sigma * (x - denoised)
        if fresh > 0:
            x = x + fresh * draw(step)
    return x


SAMPLER = Sampler(solve=ddim, evaluations=lambda steps: steps, ddpm_levels=True)
