"""A frame from noise on normally distributed pictures: a network that knows them exactly, in either form, with guidance."""

import dataclasses

import pytest
import torch
from torch import Tensor

from dheads_model.diffusion.conditions import Conditions
from dheads_model.diffusion.denoiser import edm_coefficients, full_schedule
from dheads_model.diffusion.sampling import sample_frame
from dheads_model.diffusion.settings import SAMPLERS, check_sampling
from dheads_model.errors import UserError
from dheads_model.network.unet import FrameConditions
from tests.factories.settings import plain_diffusion, plain_sampling

HEARD, DEAF, SPREAD = 0.1, -0.05, 0.2  # mean of the pictures with sound and without, standard deviation of both
GUIDANCE = 3.0
GUIDED = DEAF + GUIDANCE * (HEARD - DEAF)


class GaussianModel:
    """Called as a TalkingModel; its pictures are normal around HEARD, or around DEAF where the sound was dropped."""

    def __init__(self, form: str):
        self.diffusion_settings = plain_diffusion(parameterization=form)
        self.passes: list[tuple[float, int]] = []
        self.encoded = 0

    def encode(
        self, identity, motion, audio, motion_noise=None, audio_drop=None, lips=None, eyes=None
    ) -> FrameConditions:
        self.encoded += 1
        dropped = torch.zeros(len(identity), dtype=torch.bool) if audio_drop is None else audio_drop
        mean = torch.where(dropped, DEAF, HEARD).double()[:, None, None, None]
        return FrameConditions(mean, (), identity)

    def __call__(self, x: Tensor, time: Tensor, conditions: FrameConditions) -> Tensor:
        """The raw output that the exact denoiser amounts to."""
        if self.diffusion_settings.parameterization == "edm":
            sigma = (time[0].double() / 4).exp()
            skip, out, scale, _ = edm_coefficients(sigma, self.diffusion_settings.sigma_data)
            noisy = x / scale
            output = (self._denoised(noisy, sigma, conditions) - skip * noisy) / out
        else:
            schedule = full_schedule(1000)
            low = int(time[0].clamp(0, 998))
            sigma = torch.lerp(*schedule.sigmas[low : low + 2].log(), time[0].double() - low).exp()
            noisy = x * (1 + sigma**2).sqrt()
            noise = (noisy - self._denoised(noisy, sigma, conditions)) / sigma
            output = torch.cat([noise, torch.ones_like(noise)], dim=1)
        self.passes.append((float(sigma), len(x)))
        return output

    @staticmethod
    def _denoised(noisy: Tensor, sigma: Tensor, conditions: FrameConditions) -> Tensor:
        return (SPREAD**2 * noisy + sigma**2 * conditions.stem) / (SPREAD**2 + sigma**2)


def sampled(form: str, count: int = 6000, start: Tensor | None = None, **settings) -> tuple[Tensor, GaussianModel]:
    """Pictures `[count, 3, 1, 1]` and the model that made them."""
    model = GaussianModel(form)
    conditions = Conditions(
        torch.zeros(count, 3, 1, 1, dtype=torch.float64), torch.zeros(count, 2, 1, 1), torch.zeros(count, 5, 4, 80)
    )

    def draw(number: int) -> Tensor:
        if number == 0 and start is not None:
            return start
        generator = torch.Generator().manual_seed(number)
        return torch.randn(count, 3, 1, 1, generator=generator, dtype=torch.float64)

    return sample_frame(model, conditions, plain_sampling(**settings), draw), model


STEPS = {"ancestral_ddpm": 250, "ddim": 250, "euler": 150, "heun": 40, "dpmpp_2m": 40}
EVERYWHERE = (0.0, 1e9)


@pytest.mark.parametrize(("guidance", "mean"), [(1.0, HEARD), (GUIDANCE, GUIDED)])
@pytest.mark.parametrize("form", ["edm", "ddpm"])
# The sampler consistency takes a distilled model: tests/unit/test_distillation.py.
@pytest.mark.parametrize("sampler", [name for name, one in SAMPLERS.items() if not one.needs_consistency])
def test_mean_and_spread(sampler, form, guidance, mean):
    """Guidance between two normal distributions of one spread is exactly a third one."""
    if sampler == "ancestral_ddpm" and form == "edm":
        pytest.skip("ancestral_ddpm is of the ddpm form")
    settings = {"sampler": sampler, "steps": STEPS[sampler], "eta": 1.0, "guidance_scale": guidance}
    pictures, model = sampled(form, **settings, guidance_interval=EVERYWHERE)
    assert float(pictures.mean()) == pytest.approx(mean, abs=0.01)
    assert float(pictures.std()) == pytest.approx(SPREAD, rel=0.04)
    passes = 2 * STEPS[sampler] - 1 if sampler == "heun" else STEPS[sampler]
    assert len(model.passes) == passes
    assert model.encoded == 1  # conditions once a frame, not once a step


@pytest.mark.parametrize("form", ["edm", "ddpm"])
@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m", "ddim"])
def test_guidance_acts_within_its_interval_and_costs_nothing_outside(sampler, form):
    low, high = 0.1, 2.0
    start = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)[:, None, None, None].expand(-1, 3, -1, -1)
    settings = {"sampler": sampler, "steps": 400, "sigma_min": 0.01, "guidance_scale": GUIDANCE, "eta": 0.0}
    pictures, model = sampled(form, 3, start, **settings, guidance_interval=(low, high))
    for sigma, rows in model.passes:
        assert rows == (6 if low <= sigma <= high else 3)
    # The deterministic path between two levels, around a mean: x - mean shrinks as sqrt(SPREAD^2 + sigma^2).
    levels = [level for level, _ in model.passes]
    x, above = start[:, 0, 0, 0] * levels[0], levels[0]
    for below, mean in ((high, HEARD), (low, GUIDED), (0.0, HEARD)):
        x = mean + (x - mean) * ((SPREAD**2 + below**2) / (SPREAD**2 + above**2)) ** 0.5
        above = below
    torch.testing.assert_close(pictures[:, 0, 0, 0], x, atol=0.012, rtol=0)
    unguided, _ = sampled(form, 3, start, **settings | {"guidance_scale": 1.0})
    assert (unguided - pictures).abs().min() > 0.1


def test_a_learned_variance_is_that_of_the_model_with_sound():
    """Both have the same here, so the spread under guidance is that without."""
    for guidance in (1.0, GUIDANCE):
        pictures, _ = sampled(
            "ddpm", sampler="ancestral_ddpm", steps=20, guidance_scale=guidance, guidance_interval=EVERYWHERE
        )
        # Twenty steps with the larger variance spread too far, by as much.
        assert float(pictures.std()) == pytest.approx(0.233, rel=0.03)


def test_what_a_model_was_never_trained_for_is_refused():
    trained = {"conditioning_augmentation": {"audio_drop": 0.1, "mouth_drop": 1.0}}
    plain, guided = plain_sampling(), plain_sampling(guidance_scale=2.0)
    hidden = dataclasses.replace(plain, hide_mouth=True)
    for settings in (plain, guided, hidden):
        check_sampling(settings, trained)
    for config in ({}, {"conditioning_augmentation": {"audio_drop": 0.0, "mouth_drop": 0.0}}):
        check_sampling(plain, config)
        with pytest.raises(
            UserError, match=r"sampling\.guidance_scale is 2, but this model .* set sampling\.guidance_scale to 1"
        ):
            check_sampling(guided, config)
        with pytest.raises(UserError, match=r"hide_mouth is true, but this model .* set sampling\.hide_mouth to false"):
            check_sampling(hidden, config)
