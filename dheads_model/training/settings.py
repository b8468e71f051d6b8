"""The config of a run as dataclasses, and what follows from it alone."""

import math
from dataclasses import dataclass

from dheads_model.config import build
from dheads_model.diffusion.corruption import CorruptionSettings
from dheads_model.errors import UserError
from dheads_model.network.settings import DiffusionSettings, NetworkSettings

DECAYS = ("cosine", "step")
_STEPS = 18  # the published training lowers its rate 18 times ...
_STEP_FACTOR = 0.8  # ... by this factor


@dataclass(frozen=True)
class TrainingSettings:
    """The config block `training` of a run; the schema describes each key. Lengths are in images, never epochs."""

    images: int
    batch_size: int
    learning_rate: float
    warmup_images: int
    decay: str
    gradient_clip: float
    ema_decay: float
    mouth_weight: float
    flip: bool
    log_sigma_mean: float
    log_sigma_std: float
    log_every_images: int
    validation_every_images: int
    state_every_images: int
    seed: int
    accumulation: int = 1
    recompute_activations: bool = False

    def __post_init__(self):
        if self.accumulation < 1:
            raise UserError(f"training.accumulation must be at least 1, not {self.accumulation}.")
        if self.decay not in DECAYS:
            raise UserError(f"training.decay is {self.decay!r}; it must be one of {', '.join(DECAYS)}.")

    @property
    def steps(self) -> int:
        """Number of optimiser steps, the last one included that reaches `images`."""
        return math.ceil(self.images / self.batch_size)


@dataclass(frozen=True)
class RunSettings:
    """The whole config of a run."""

    dataset: str
    min_clips: int
    gpus: int
    network: NetworkSettings
    diffusion: DiffusionSettings
    corruption: CorruptionSettings
    training: TrainingSettings


def run_settings(config: dict) -> RunSettings:
    """The config block of a run, checked. Raises UserError for keys or values that do not fit."""
    return build(RunSettings, config, "runs.NAME")


def learning_rate(settings: TrainingSettings, images: int) -> float:
    """Learning rate after so many images: linear warm-up, then a cosine to zero, or the published steps of 0.8."""
    if images < settings.warmup_images:
        return settings.learning_rate * images / settings.warmup_images
    progress = (images - settings.warmup_images) / max(settings.images - settings.warmup_images, 1)
    if settings.decay == "step":
        return settings.learning_rate * _STEP_FACTOR ** math.floor(_STEPS * min(progress, 1.0))
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))


def ema_rate(settings: TrainingSettings, step: int) -> float:
    """Decay of the averaged weights at a step: min(ema_decay, (1 + step) / (10 + step)), so that a short run averages little."""
    return min(settings.ema_decay, (1 + step) / (10 + step))
