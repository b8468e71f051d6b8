"""The paper's ancestral sampling of a DDPM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dheads_model.diffusion.sampler import Sampler

if TYPE_CHECKING:
    from torch import Tensor

    from dheads_model.diffusion.sampler import Draw, Predict
    from dheads_model.diffusion.schedules import DdpmSchedule


def ancestral_ddpm(predict: Predict, x: Tensor, schedule: DdpmSchedule, draw: Draw) -> Tensor:
    """Ancestral DDPM sampling, the paper's sampler (section 3): each step draws from the predicted posterior.

    `predict(x_t, index)` returns the network's output for step `index` of the (respaced) schedule, learned variance
    included. x and the result are variance preserving: x is initially unit normal noise. No noise is added at original
    time 0.
    """
    import torch

    from dheads_model.diffusion.ddpm import predicted_posterior

    times = schedule.timesteps.tolist()
    for number, index in enumerate(reversed(range(len(times))), start=1):
        steps = torch.full((len(x),), index, device=x.device)
        posterior = predicted_posterior(schedule, predict(x, index), x, steps)
        x = posterior.mean
        if times[index] != 0:
            x = x + (0.5 * posterior.log_variance).exp() * draw(number)
    return x


SAMPLER = Sampler(
    solve=lambda predict, x, schedule, draw, eta: ancestral_ddpm(predict, x, schedule, draw),
    evaluations=lambda steps: steps,
    needs_ddpm=True,
    ddpm_levels=True,
)
