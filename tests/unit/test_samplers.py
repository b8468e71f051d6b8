"""Samplers on normally distributed data, whose best denoiser and whose path from noise are known exactly."""

import pytest
import torch

from dheads_model.diffusion.schedules import cosine_schedule, ddpm_sigmas, karras_sigmas, respace
from dheads_model.diffusion.solvers.ancestral_ddpm import ancestral_ddpm
from dheads_model.diffusion.solvers.ddim import ddim
from dheads_model.diffusion.solvers.dpmpp_2m import dpmpp_2m
from dheads_model.diffusion.solvers.euler import euler
from dheads_model.diffusion.solvers.heun import heun

MEAN, SPREAD = 0.1, 0.2
HIGH, LOW = 20.0, 0.02


def exact_denoiser(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """E[x0 | x0 + sigma eps = x] for x0 of mean MEAN and standard deviation SPREAD."""
    return (SPREAD**2 * x + sigma**2 * MEAN) / (SPREAD**2 + sigma**2)


def exact_path(start: torch.Tensor, sigma: float) -> torch.Tensor:
    """Where the deterministic equation leads from `start` at HIGH to sigma."""
    ratio = ((SPREAD**2 + sigma**2) / (SPREAD**2 + HIGH**2)) ** 0.5
    return MEAN + (start - MEAN) * ratio


def normal(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 1, 1, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def draws(count: int):
    """draw(i): fresh noise, the same for the same i."""
    return lambda step: normal(count, seed=1000 + step)


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2), (dpmpp_2m, 2)])
def test_order(sampler, order):
    start = HIGH * normal(50)
    errors = []
    for steps in (40, 80, 160):
        sigmas = karras_sigmas(steps + 1, LOW, HIGH)[:-1].tolist()  # without the last step, to 0, which is of order 1
        errors.append(float((sampler(exact_denoiser, start, sigmas) - exact_path(start, LOW)).abs().mean()))
    ratios = [errors[0] / errors[1], errors[1] / errors[2]]
    assert ratios == pytest.approx([2**order] * 2, rel=0.25)


@pytest.mark.parametrize(
    ("sampler", "steps", "tolerance"), [(euler, 400, 0.02), (heun, 60, 0.02), (dpmpp_2m, 60, 0.02)]
)
def test_deterministic_samplers_reach_the_distribution(sampler, steps, tolerance):
    sigmas = karras_sigmas(steps, LOW, HIGH).tolist()
    ends = sampler(exact_denoiser, torch.tensor([-HIGH, 0.0, HIGH], dtype=torch.float64).view(3, 1, 1, 1), sigmas)
    low, middle, high = ends.flatten().tolist()
    assert middle == pytest.approx(MEAN, abs=0.01)
    assert (high - low) / 2 == pytest.approx(SPREAD, rel=tolerance)  # the map is linear: a unit of noise becomes SPREAD


def test_multistep_is_better_than_first_order_in_few_steps():
    start = HIGH * normal(50)
    sigmas = karras_sigmas(10, LOW, HIGH).tolist()
    wanted = exact_path(start, 0)
    errors = [float((sampler(exact_denoiser, start, sigmas) - wanted).abs().mean()) for sampler in (euler, dpmpp_2m)]
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_random_ddim_reaches_the_distribution(eta):
    count = 20_000
    sigmas = karras_sigmas(250, LOW, HIGH).tolist()
    ends = ddim(exact_denoiser, HIGH * normal(count), sigmas, draws(count), eta)
    assert float(ends.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(ends.std()) == pytest.approx(SPREAD, rel=0.03)


def test_ddim_without_noise_is_euler():
    start, sigmas = HIGH * normal(20), karras_sigmas(9, LOW, HIGH).tolist()
    found = ddim(exact_denoiser, start, sigmas, draw=lambda step: pytest.fail("drew noise"))
    torch.testing.assert_close(found, euler(exact_denoiser, start, sigmas))


def exact_output(schedule, nu: float | None):
    """The network output that the exact denoiser amounts to, with a learned variance of nu in [-1, 1] if given."""

    def predict(x: torch.Tensor, index: int) -> torch.Tensor:
        kept = float(schedule.alpha_bar[index])
        x0 = exact_denoiser(x / kept**0.5, float(schedule.sigmas[index]))
        noise = ((x - kept**0.5 * x0) / (1 - kept) ** 0.5).expand(-1, 3, -1, -1)
        return noise if nu is None else torch.cat([noise, torch.full_like(noise, nu)], dim=1)

    return predict


@pytest.mark.parametrize("nu", [None, -1.0, 1.0])
def test_ancestral_reaches_the_distribution(nu):
    count, schedule = 5_000, cosine_schedule(1000)

    def draw(step):
        return normal(count, 1000 + step).expand(-1, 3, -1, -1)

    predict = exact_output(schedule, nu)
    ends = ancestral_ddpm(lambda x, index: predict(x[:, :1], index), draw(0), schedule, draw)
    assert float(ends.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(ends.std()) == pytest.approx(SPREAD, rel=0.05)


def test_ancestral_with_the_smaller_variance_is_ddim_with_eta_1():
    count, schedule = 50, respace(cosine_schedule(1000), 50)

    def draw(step):
        return normal(count, 1000 + step).expand(-1, 3, -1, -1)

    predict, sigmas = exact_output(schedule, -1.0), ddpm_sigmas(schedule).tolist()
    discrete = ancestral_ddpm(lambda x, index: predict(x[:, :1], index), draw(0), schedule, draw)
    # In the scale of sigma, unit normal noise at the first level is x / sqrt(alpha_bar).
    start = draw(0) * (1 + sigmas[0] ** 2) ** 0.5
    continuous = ddim(exact_denoiser, start, sigmas, draw, eta=1.0)
    torch.testing.assert_close(discrete, continuous, atol=1e-6, rtol=0)


def test_one_step_gives_the_mean():
    for sampler in (euler, heun, dpmpp_2m):
        end = sampler(exact_denoiser, HIGH * normal(5), karras_sigmas(1, LOW, HIGH).tolist())
        torch.testing.assert_close(end, exact_denoiser(HIGH * normal(5), HIGH))


def test_passes_a_sampler_needs():
    sigmas, start = karras_sigmas(6, LOW, HIGH).tolist(), HIGH * normal(2)
    for sampler, passes in ((euler, 6), (heun, 11), (dpmpp_2m, 6)):
        calls = []
        sampler(lambda x, sigma, calls=calls: calls.append(sigma) or exact_denoiser(x, sigma), start, sigmas)
        assert len(calls) == passes
        assert 0 not in calls


def spread_of(sampler, steps: int, size: float = 1e-3) -> float:
    """Standard deviation of what a sampler makes, exactly: its result is linear in its draws, so their squares add up.

    sampler(draw) returns a picture a sample. Each sample gets one draw of `size` and no other; small, so that the
    clamps of the discrete form stay out of it.
    """

    def impulses(step):
        drawn = torch.zeros(steps + 1, 1, 1, 1, dtype=torch.float64)
        drawn[step] = size
        return drawn

    at_rest = sampler(lambda step: torch.zeros(steps + 1, 1, 1, 1, dtype=torch.float64))
    return float((((sampler(impulses) - at_rest) / size) ** 2).sum().sqrt())


def test_order_of_random_ddim():
    errors = []
    for steps in (40, 80, 160):
        sigmas = karras_sigmas(steps + 1, LOW, HIGH)[:-1].tolist()
        found = spread_of(lambda draw, sigmas=sigmas: ddim(exact_denoiser, HIGH * draw(0), sigmas, draw, 1.0), steps)
        errors.append(found - (SPREAD**2 + LOW**2) ** 0.5)
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(("nu", "sign"), [(None, 1), (1.0, 1), (-1.0, -1)])
def test_order_of_ancestral_sampling(nu, sign):
    errors = []
    for steps in (80, 160, 320):
        schedule = respace(cosine_schedule(1000), steps)
        predict = exact_output(schedule, nu)

        def sample(draw, schedule=schedule, predict=predict):
            def wide(step):
                return draw(step).expand(-1, 3, -1, -1)

            return ancestral_ddpm(lambda x, index: predict(x[:, :1], index), wide(0), schedule, wide)[:, :1]

        errors.append(spread_of(sample, steps) - SPREAD)
    # The larger variance spreads too far, the smaller one too little, both by an error of first order.
    assert all(error * sign > 0 for error in errors)
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.15)
