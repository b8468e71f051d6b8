import pytest
import torch

from dheads_model.diffusion.schedules import cosine_schedule, ddpm_sigmas, karras_sigmas, respace
from dheads_model.errors import UserError


def test_cosine_schedule_check_values():
    schedule = cosine_schedule(1000)
    assert schedule.beta[[0, 1, 500, 998, 999]].tolist() == pytest.approx(
        [4.128422e-05, 4.614175e-05, 3.155691e-03, 0.7499994, 0.999], rel=1e-6
    )
    assert schedule.alpha_bar[[0, 499, 999]].tolist() == pytest.approx([0.99995872, 0.49384359, 2.4287669e-09])
    assert schedule.beta.dtype == torch.float64


@pytest.mark.parametrize("steps", [2, 3, 7, 10, 100, 999, 1000])
def test_respacing_keeps_the_noise_levels(steps):
    full = cosine_schedule(1000)
    respaced = respace(full, steps)
    assert len(respaced.timesteps) == steps
    assert respaced.timesteps[[0, -1]].tolist() == [0, 999]
    torch.testing.assert_close(respaced.alpha_bar, full.alpha_bar[respaced.timesteps], rtol=1e-6, atol=0)
    for table in (respaced.beta, respaced.coef1_q, respaced.coef2_q, respaced.coef1_x0, respaced.coef2_x0):
        assert torch.isfinite(table).all()  # float32 tables break here for 6 steps or fewer


def test_respacing_to_all_steps_changes_nothing():
    full = cosine_schedule(1000)
    torch.testing.assert_close(respace(full, 1000).beta, full.beta, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("steps", [0, 1, 1001])
def test_impossible_numbers_of_steps(steps):
    with pytest.raises(UserError, match="between 2 and 1000"):
        respace(cosine_schedule(1000), steps)


def test_respacing_twice_is_refused():
    with pytest.raises(UserError, match="only once"):
        respace(respace(cosine_schedule(1000), 50), 10)


def test_karras_sigmas():
    sigmas = karras_sigmas(18, 0.002, 80.0, 7.0)
    assert len(sigmas) == 19
    assert sigmas[[0, -2, -1]].tolist() == pytest.approx([80, 0.002, 0])
    assert (sigmas.diff() < 0).all()
    roots = sigmas[:-1] ** (1 / 7)
    torch.testing.assert_close(roots.diff(), roots.diff()[:1].expand(17))
    assert karras_sigmas(1, 0.002, 80.0).tolist() == pytest.approx([80, 0])


@pytest.mark.parametrize(("steps", "low", "high"), [(0, 0.1, 1), (4, 0, 1), (4, 2, 1)])
def test_karras_sigmas_refuses(steps, low, high):
    with pytest.raises(UserError, match="sigma_min < sigma_max"):
        karras_sigmas(steps, low, high)


def test_sigmas_of_the_discrete_schedule():
    schedule = respace(cosine_schedule(1000), 10)
    sigmas = ddpm_sigmas(schedule)
    assert (sigmas.diff() < 0).all()
    assert sigmas[-1] == 0
    torch.testing.assert_close(1 / (1 + sigmas[:-1] ** 2), schedule.alpha_bar.flip(0))
