"""The discrete schedule against the published one evaluated in float64."""

import numpy as np
import pytest

from dheads_model.diffusion.schedules import cosine_schedule, respace

NAMES = (
    "beta", "alpha_bar", "alpha_bar_prev", "beta_tilde", "log_beta_tilde_clipped",
    "coef1_x0", "coef2_x0", "coef1_q", "coef2_q",
)  # fmt: skip


@pytest.mark.parametrize("steps", [None, 250, 200, 100, 50, 10])
def test_every_table(steps, numbers):
    stored, schedule = numbers("schedule"), cosine_schedule(1000)
    prefix = "T1000"
    if steps is not None:
        schedule, prefix = respace(schedule, steps), f"T1000_s{steps}"
        assert schedule.timesteps.tolist() == stored[f"{prefix}_timesteps"].tolist()
    for name in NAMES:
        expected = stored[f"{prefix}_{name}_f64ref"]
        np.testing.assert_allclose(getattr(schedule, name).numpy(), expected, rtol=1e-10, atol=1e-15, err_msg=name)
