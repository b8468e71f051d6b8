"""Settings of what spoils the conditions in training and of sampling, and what they ask of a model. Standard library only."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dheads_model.diffusion.samplers import SAMPLERS
from dheads_model.errors import UserError

# Rows, then columns, as fractions of an aligned frame: lips and chin, also those of an open mouth. Measured on 9,239 frames
# of 195 real clips in the default framing: lips or chin reach out of it in none, out of rows 0.55 to 0.85 in 66 %.
LOWER_FACE = (0.55, 0.96, 0.3, 0.7)
# Where lips and chin lie in those frames, in distances of the eye centres from the middle between the eyes: first and last
# row of all but one frame in a thousand, and the farthest column on either side.
_LIPS_TOP, _CHIN, _SIDE = 0.78, 2.3, 0.67
# The lower lids end above this, in the same measure.
_EYES_END = 0.3
_MOST_STEPS = 100_000


@dataclass(frozen=True)
class AugmentationSettings:
    """motion_noise: highest standard deviation of noise on the motion frames, on their scale [-1, 1]. patch_drop:
    probability of a patch of all motion frames to be blanked. patch_size: side of a patch in pixels. mouth_drop:
    probability of a sample whose motion frames do not show the mouth, see `hide_mouth`. audio_drop: probability of a
    sample without sound. lip_noise: standard deviation of noise on the measured lips that a network with a lip_reader is
    told in training, in standard deviations of such lips."""

    motion_noise: float = 0.5
    patch_drop: float = 0.2
    patch_size: int = 8
    mouth_drop: float = 0.0
    audio_drop: float = 0.1
    lip_noise: float = 0.0

    def __post_init__(self):
        probabilities = (self.patch_drop, self.mouth_drop, self.audio_drop)
        lowest = min(self.motion_noise, self.lip_noise, *probabilities)
        if lowest < 0 or self.patch_size < 1 or max(probabilities) > 1:
            raise UserError(
                "conditioning_augmentation needs motion_noise and lip_noise >= 0, patch_size >= 1, and patch_drop, mouth_drop and "
                "audio_drop in [0, 1]."
            )


@dataclass(frozen=True)
class SamplingSettings:
    """How a frame is sampled.

    sampler: one of SAMPLERS. steps: noise levels, the network's passes a frame (heun: 2 steps - 1). sigma_min,
    sigma_max, rho: Karras' list of levels; ancestral_ddpm, and ddim on a DDPM, use the DDPM's own levels instead.
    eta: randomness of ddim. guidance_scale: weight w of the sound, D = D_without + w (D_with - D_without); 1 is none and
    costs nothing, others double the passes at levels within guidance_interval. motion_noise: level of noise put on the
    model's own frames when they become motion frames. hide_mouth: blank the mouth in them, for models that were trained
    so (conditioning_augmentation.mouth_drop). anchor_every: the identity frame takes the oldest motion frame's place every so many
    frames, 0 for never (an option of the published code). clips_at_once: clips in one pass of the network. compiled: see
    `place_for_sampling`. The last two are settings because they decide the last bits of a video, and so now and then a
    pixel.
    """

    sampler: str = "dpmpp_2m"
    steps: int = 8
    sigma_min: float = 0.02
    sigma_max: float = 20.0
    rho: float = 7.0
    eta: float = 0.0
    guidance_scale: float = 1.0
    guidance_interval: tuple[float, float] = (0.1, 10.0)
    motion_noise: float = 0.0
    hide_mouth: bool = False
    anchor_every: int = 0
    clips_at_once: int = 4
    compiled: bool = False

    def __post_init__(self):
        if self.sampler not in SAMPLERS:
            raise UserError(f"sampling.sampler must be one of {', '.join(SAMPLERS)}, not {self.sampler!r}.")
        if not 0 <= self.eta <= 1 or self.motion_noise < 0 or self.anchor_every < 0 or self.clips_at_once < 1:
            raise UserError("sampling needs eta in [0, 1], motion_noise >= 0, anchor_every >= 0, clips_at_once >= 1.")
        if not 0 <= self.guidance_scale < math.inf:
            raise UserError(f"sampling.guidance_scale is {self.guidance_scale}; it must be 0 or more, 1 is none.")
        check_levels(self.steps, self.sigma_min, self.sigma_max)
        if not 0 < self.rho < math.inf or not self.motion_noise < math.inf:
            raise UserError("sampling needs a finite rho > 0 and a finite motion_noise.")
        low, high = self.guidance_interval
        if not 0 <= low <= high:
            raise UserError(f"sampling.guidance_interval is {low}, {high}; it must be two rising noise levels.")


def check_lower_face(eye_distance: float, eyes_height: float, framing: str = "aligned") -> None:
    """Raise UserError where LOWER_FACE does not hold lips and chin, or holds the eyes, of crops that are framed so.

    eye_distance: of the eye centres, as a share of the width; eyes_height: from the top; framing: as in AlignSettings.
    """
    if framing != "aligned":
        raise UserError(
            f"the mouth can be hidden in aligned faces only, and framing is {framing}; set mouth_drop to 0."
        )
    top, bottom, left, right = LOWER_FACE
    lips, chin, side = (eyes_height + part * eye_distance for part in (_LIPS_TOP, _CHIN, _EYES_END))
    if not (side <= top <= lips and chin <= bottom and left <= 0.5 - _SIDE * eye_distance):
        raise UserError(
            f"the box that hides the mouth (rows {top:g} to {bottom:g}, columns {left:g} to {right:g} of the picture) does "
            f"not fit lips and chin of a crop with crop.eye_distance {eye_distance:g} and crop.eyes_height {eyes_height:g}; "
            "take 0.23 and 0.42, or mouth_drop 0."
        )


def check_levels(steps: int, sigma_min: float, sigma_max: float) -> None:
    """Raise UserError for noise levels that are no falling list."""
    if not 1 <= steps <= _MOST_STEPS or not 0 < sigma_min < sigma_max < math.inf:
        raise UserError(
            f"sampling needs steps >= 1 (and <= {_MOST_STEPS}) and 0 < sigma_min < sigma_max, not {steps}, {sigma_min}, "
            f"{sigma_max}."
        )


def check_sampling(settings: SamplingSettings, config: Mapping) -> None:
    """Raise UserError where sampling asks for what a model with this config, an export's, was never trained for."""
    trained, diffusion = (
        block if isinstance(block, Mapping) else {}
        for block in (config.get("conditioning_augmentation"), config.get("diffusion"))
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
    if settings.guidance_scale != 1 and not trained.get("audio_drop"):
        raise UserError(
            f"sampling.guidance_scale is {settings.guidance_scale:g}, but this model was trained with "
            "conditioning_augmentation.audio_drop 0 and does not know frames without sound; set sampling.guidance_scale to 1."
        )
    if settings.hide_mouth and not trained.get("mouth_drop"):
        raise UserError(
            "sampling.hide_mouth is true, but this model was trained with conditioning_augmentation.mouth_drop 0 and never "
            "saw motion frames without a mouth; set sampling.hide_mouth to false."
        )
