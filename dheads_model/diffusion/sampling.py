"""One frame from noise: sampler, noise levels and guidance by the sound, as configured."""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dheads_model.diffusion import samplers
from dheads_model.diffusion.conditions import Conditions, encode_conditions
from dheads_model.diffusion.denoiser import denoise_encoded, full_schedule
from dheads_model.diffusion.schedules import DdpmSchedule, ddpm_sigmas, karras_sigmas, respace
from dheads_model.errors import UserError
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.unet import FrameConditions

SAMPLERS = ("ancestral_ddpm", "ddim", "euler", "heun", "dpmpp_2m")


@dataclass(frozen=True)
class SamplingSettings:
    """How a frame is sampled.

    sampler: one of SAMPLERS. steps: noise levels, the network's passes a frame (heun: 2 steps - 1). sigma_min,
    sigma_max, rho: Karras' list of levels; ancestral_ddpm, and ddim on a DDPM, use the DDPM's own levels instead.
    eta: randomness of ddim. guidance: weight w of the sound, D = D_without + w (D_with - D_without); 1 is none and
    costs nothing, others double the passes at levels within guidance_interval. motion_noise: level of noise put on the
    model's own frames when they become motion frames. hide_mouth: blank the mouth in them, for models that were trained
    so (corruption.mouth_drop). anchor_every: the identity frame takes the oldest motion frame's place every so many
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
    guidance: float = 1.0
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
        if not 0 <= self.guidance < math.inf:
            raise UserError(f"sampling.guidance is {self.guidance}; it must be 0 or more, 1 is none.")
        karras_sigmas(self.steps, self.sigma_min, self.sigma_max, self.rho)


def check_sampling(settings: SamplingSettings, config: Mapping) -> None:
    """Raise UserError where sampling asks for what a model with this config, an export's, was never trained for."""
    trained = config.get("corruption") or {}
    if settings.guidance != 1 and not trained.get("audio_drop"):
        raise UserError(
            f"sampling.guidance is {settings.guidance:g}, but this model was trained with corruption.audio_drop 0 and "
            "does not know frames without sound; set sampling.guidance to 1."
        )
    if settings.hide_mouth and not trained.get("mouth_drop"):
        raise UserError(
            "sampling.hide_mouth is true, but this model was trained with corruption.mouth_drop 0 and never saw motion "
            "frames without a mouth; set sampling.hide_mouth to false."
        )


def sample_frame(
    model: TalkingModel, conditions: Conditions, settings: SamplingSettings, draw: Callable[[int], Tensor]
) -> Tensor:
    """A frame `[B, 3, S, S]`, about in [-1, 1], of each sample of the conditions.

    draw(0) is the noise to start from, draw(1), draw(2), ... that of the steps, each unit normal `[B, 3, S, S]`. Raises
    UserError for a sampler that the model's form has no use for.
    """
    encoded = _encode(model, conditions, settings)
    discrete = model.diffusion_settings.form == "ddpm"
    if settings.sampler == "ancestral_ddpm":
        if not discrete:
            raise UserError("sampling.sampler ancestral_ddpm needs a model of the ddpm form; take ddim with eta 1.")
        return _sample_ancestral(model, encoded, settings, draw)

    def denoise(x: Tensor, sigma: float) -> Tensor:
        def estimate(x: Tensor, conditions: FrameConditions) -> Tensor:
            return denoise_encoded(model, x, torch.full((len(x),), sigma, device=x.device), conditions)

        return _guided(estimate, x, encoded, settings, sigma).clamp(-1, 1)

    if settings.sampler == "ddim" and discrete:
        sigmas = ddpm_sigmas(_respaced(model.diffusion_settings.timesteps, settings.steps, torch.device("cpu")))
    else:
        sigmas = karras_sigmas(settings.steps, settings.sigma_min, settings.sigma_max, settings.rho)
    levels = sigmas.tolist()
    # Noise lies around what frames lie around: with centre "identity" the first level need only drown what changes.
    centre = encoded.identity[: len(conditions.identity)] if model.diffusion_settings.centre == "identity" else 0.0
    start = centre + levels[0] * draw(0)
    if settings.sampler == "ddim":
        return samplers.ddim(denoise, start, levels, draw, settings.eta)
    return {"euler": samplers.euler, "heun": samplers.heun, "dpmpp_2m": samplers.dpmpp_2m}[settings.sampler](
        denoise, start, levels
    )


def _sample_ancestral(
    model: TalkingModel, conditions: FrameConditions, settings: SamplingSettings, draw: Callable[[int], Tensor]
) -> Tensor:
    schedule = _respaced(model.diffusion_settings.timesteps, settings.steps, conditions.stem.device)
    times, levels = schedule.timesteps.tolist(), schedule.sigmas.tolist()

    def predict(x: Tensor, index: int) -> Tensor:
        def output(x: Tensor, conditions: FrameConditions) -> Tensor:
            return model(x, torch.full((len(x),), float(times[index]), device=x.device), conditions)

        return _guided(output, x, conditions, settings, levels[index])

    return samplers.ancestral_ddpm(predict, draw(0), schedule, draw)


@functools.cache
def _respaced(timesteps: int, steps: int, device: torch.device) -> DdpmSchedule:
    return respace(full_schedule(timesteps), steps).to(device)


def _encode(model: TalkingModel, conditions: Conditions, settings: SamplingSettings) -> FrameConditions:
    """Conditions of a frame; with guidance every sample once with sound, then once without."""
    if settings.guidance == 1:
        return encode_conditions(model, conditions)
    batch = len(conditions.identity)
    drop = torch.arange(2 * batch, device=conditions.identity.device) >= batch
    level = None if conditions.motion_noise is None else conditions.motion_noise.repeat(2)
    twice = (value.repeat(2, *[1] * (value.dim() - 1)) for value in (
        conditions.identity, conditions.motion, conditions.audio_features))  # fmt: skip
    return encode_conditions(model, Conditions(*twice, level, drop))


def _guided(evaluate, x: Tensor, conditions: FrameConditions, settings: SamplingSettings, sigma: float) -> Tensor:
    """evaluate(x, conditions) with the weight of the sound changed where the level lies in the interval.

    The first three channels are mixed (picture or noise: both are linear in each other); a learned variance is that of
    the model with sound.
    """
    low, high = settings.guidance_interval
    if settings.guidance == 1 or not low <= sigma <= high:
        return evaluate(x, conditions.rows(0, len(x)))
    with_sound, without = evaluate(x.repeat(2, 1, 1, 1), conditions).chunk(2)
    mixed = without[:, :3] + settings.guidance * (with_sound[:, :3] - without[:, :3])
    return torch.cat([mixed, with_sound[:, 3:]], dim=1)
