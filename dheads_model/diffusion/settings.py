"""Settings of conditioning augmentation and of sampling, and checks that a model was trained for its sampling."""

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import Count, CountOrZero, NonNegativeFloat, PositiveFloat, Share, settings
from dheads_model.diffusion.blinks import MOST_PER_SECOND
from dheads_model.diffusion.samplers import SAMPLERS
from dheads_model.errors import UserError

_MOST_STEPS = 100_000


@settings("conditioning_augmentation")
class AugmentationSettings:
    """Conditioning augmentation in training. It reduces error accumulation in the rollout and makes the network use the
    audio condition. All zero in the paper."""

    motion_noise: NonNegativeFloat = 0.8
    """Maximum standard deviation of the noise on the motion frames, drawn uniformly from 0."""
    patch_drop: Share = 0.4
    """Fraction of the motion frames' patches that are blanked."""
    patch_size: Count = 16
    """Side of a blanked patch in pixels."""
    mouth_drop: Share = 1.0
    """Fraction of samples with the mouth and chin hidden in the motion frames (network.lower_face), so that the mouth
    depends on the audio condition."""
    audio_drop: Share = 0.1
    """Fraction of samples with a dropped audio condition, needed for classifier-free guidance."""
    lip_noise: NonNegativeFloat = 0.2
    """Standard deviation of the noise on the measured lips in training, for networks with a lip_reader, in standard
    deviations of the lips."""


@settings("sampling")
class SamplingSettings:
    """Sampling of a frame."""

    sampler: Literal[*SAMPLERS] = "euler"
    """Solver; ancestral_ddpm is the paper's and needs diffusion.parameterization ddpm."""
    steps: Annotated[int, Field(ge=1, le=_MOST_STEPS)] = 2
    """Denoising steps per frame."""
    sigma_min: PositiveFloat = 0.6
    """Lowest noise level."""
    sigma_max: PositiveFloat = 3.0
    """Highest noise level."""
    rho: PositiveFloat = 7.0
    """Exponent of the noise schedule (Karras et al. 2022, equation 5)."""
    eta: Share = 0.0
    """Stochasticity of ddim: 0 is deterministic."""
    guidance_scale: NonNegativeFloat = 1.0
    """Classifier-free guidance scale on the audio condition, and, halfway to 1, on closed eyes where blinks are drawn. 1 is
    no guidance; other values double the NFE within guidance_interval."""
    guidance_interval: tuple[NonNegativeFloat, NonNegativeFloat] = (0.0, 10.0)
    """Lowest and highest noise level at which guidance is applied."""
    motion_noise: NonNegativeFloat = 0.5
    """Standard deviation of the noise on generated frames that are used as motion frames."""
    hide_mouth: bool = True
    """Blank the mouth in the motion frames, for models trained with conditioning_augmentation.mouth_drop."""
    blinks_per_second: Annotated[float, Field(ge=0, le=MOST_PER_SECOND)] = 0.3
    """Mean number of blinks per second of a model with network.eye_condition, drawn by the seed of the clip; people who
    speak blink about 0.3 to 0.5 times. Must be 0 for other models."""
    anchor_every: CountOrZero = 0
    """In every k-th frame the identity frame replaces the oldest motion frame; 0 for never."""
    clips_at_once: Count = 4
    """Clips per batch. It affects the last bits of a video."""
    compiled: bool = False
    """Compile the network (torch.compile); on a GPU also record it as a CUDA graph. The first frame takes minutes, so
    it is for long videos."""

    def __post_init__(self):
        check_levels(self.steps, self.sigma_min, self.sigma_max)
        low, high = self.guidance_interval
        if low > high:
            raise UserError(f"sampling.guidance_interval is {low}, {high}; it must be two rising noise levels.")


def check_levels(steps: int, sigma_min: float, sigma_max: float) -> None:
    """Raise UserError for noise levels that are no falling list."""
    if not 1 <= steps <= _MOST_STEPS or not 0 < sigma_min < sigma_max < math.inf:
        raise UserError(
            f"sampling needs steps >= 1 (and <= {_MOST_STEPS}) and 0 < sigma_min < sigma_max, not {steps}, {sigma_min}, "
            f"{sigma_max}."
        )


def check_sampling(settings: SamplingSettings, config: Mapping) -> None:
    """Raise UserError for sampling settings for which a model with this config, an export's, was not trained."""
    trained, diffusion, network = (
        block if isinstance(block, Mapping) else {}
        for block in (config.get("conditioning_augmentation"), config.get("diffusion"), config.get("network"))
    )
    parameterization = diffusion.get("parameterization", "edm")
    sampler = SAMPLERS[settings.sampler]
    if sampler.needs_ddpm and parameterization != "ddpm":
        raise UserError(
            f"sampling.sampler {settings.sampler} needs diffusion.parameterization ddpm; take ddim with eta 1."
        )
    if parameterization == "ddpm" and sampler.ddpm_levels:
        timesteps = diffusion.get("timesteps", 1000)
        if not 2 <= settings.steps <= timesteps:
            raise UserError(
                f"sampling.steps is {settings.steps}; with {settings.sampler} on diffusion.timesteps {timesteps} it must lie "
                f"between 2 and {timesteps}."
            )
    distillation = config.get("distillation")
    if distillation is not None:
        _check_distilled(settings, distillation)
    elif sampler.needs_consistency:
        raise UserError(
            f"sampling.sampler {settings.sampler} needs a model that was distilled for consistency; take euler, or see "
            "runs.NAME.distillation."
        )
    if settings.guidance_scale != 1 and not trained.get("audio_drop"):
        raise UserError(
            f"sampling.guidance_scale is {settings.guidance_scale:g}, but this model is trained with "
            "conditioning_augmentation.audio_drop 0, never with a dropped audio condition; set sampling.guidance_scale to 1."
        )
    if settings.hide_mouth and not trained.get("mouth_drop"):
        raise UserError(
            "sampling.hide_mouth is true, but this model is trained with conditioning_augmentation.mouth_drop 0, never "
            "with the mouth hidden in the motion frames; set sampling.hide_mouth to false."
        )
    if settings.blinks_per_second and not network.get("eye_condition"):
        raise UserError(
            f"sampling.blinks_per_second is {settings.blinks_per_second:g}, but this model is trained without "
            "network.eye_condition and cannot close the eyes; set sampling.blinks_per_second to 0."
        )


def _check_distilled(settings: SamplingSettings, distillation: Mapping) -> None:
    """Raise UserError for sampling settings that a distilled model does not take; distillation: the block of its run."""
    if settings.guidance_scale != 1:
        raise UserError(
            f"sampling.guidance_scale is {settings.guidance_scale:g}, but this model was distilled with guidance and needs none; "
            "set sampling.guidance_scale to 1."
        )
    consistent = distillation.get("objective", "consistency") == "consistency"
    if consistent != SAMPLERS[settings.sampler].needs_consistency:
        known = [name for name, sampler in SAMPLERS.items() if sampler.needs_consistency]
        remedy = f"take {', '.join(known)}" if consistent else "take euler"
        raise UserError(
            f"sampling.sampler is {settings.sampler}, which does not fit a model with distillation.objective "
            f"{'consistency' if consistent else 'guidance'}; {remedy}."
        )
    low, high = distillation.get("sigma_min", 0.6), distillation.get("sigma_max", 3.0)
    if consistent and not (low <= settings.sigma_min and settings.sigma_max <= high):
        raise UserError(
            f"sampling.sigma_min and sigma_max are {settings.sigma_min:g} and {settings.sigma_max:g}, but this model was distilled "
            f"for noise levels of {low:g} to {high:g}; set sampling.sigma_min and sigma_max to these."
        )


UNGUIDED = SamplingSettings(
    sampler="dpmpp_2m", steps=8, sigma_min=0.02, sigma_max=20.0, guidance_scale=1.0, guidance_interval=(0.1, 10.0),
    motion_noise=0.0, hide_mouth=False, blinks_per_second=0.0,
)  # fmt: skip
"""Sampling that suits every model: no guidance, no blinks, unchanged motion frames."""
