"""The config of a run as dataclasses, and what follows from it alone."""

import dataclasses
import math
from dataclasses import dataclass

from dheads_model.config import build
from dheads_model.diffusion.settings import AugmentationSettings
from dheads_model.errors import UserError
from dheads_model.network.settings import DiffusionSettings, NetworkSettings

DECAYS = ("cosine", "step")
# What a run does where the published code departs from the paper: the frequencies of the time embedding (see
# `sinusoid_frequencies`), and whose lips the lip loss looks at (see `lip_boxes`).
COMPAT = {
    "paper": {"time_frequencies": "standard", "lip_frame": "target"},
    "published": {"time_frequencies": "published", "lip_frame": "identity"},
}
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
    gradient_clip: float | None
    ema_decay: float
    mouth_weight: float
    flip: bool
    log_sigma_mean: float
    log_sigma_std: float
    log_every_images: int
    validation_every_images: int
    state_every_images: int
    seed: int
    samples_every_images: int = 0
    gradient_accumulation: int = 1
    gradient_checkpointing: bool = False
    compiled: bool = False
    adam_betas: tuple[float, float] = (0.9, 0.99)
    vlb_weight: float = 1e-4
    lip_weight: float = 0.2
    mouth_box: tuple[float, float, float, float] | None = None
    in_memory_gib: float = 2.0
    stream_passes: int = 4
    tensorboard: bool = False
    stop_when_audio_ignored: bool = False
    audio_lr_scale: float = 1.0
    lip_lr_scale: float = 0.2
    lip_weight_decay: float = 0.05
    lip_windows: int = 64

    def __post_init__(self):
        if self.gradient_accumulation < 1:
            raise UserError(f"training.gradient_accumulation must be at least 1, not {self.gradient_accumulation}.")
        if self.decay not in DECAYS:
            raise UserError(f"training.decay is {self.decay!r}; it must be one of {', '.join(DECAYS)}.")
        check_validation("training", self.log_every_images, self.validation_every_images)
        if self.mouth_box is not None:
            top, bottom, left, right = self.mouth_box
            if not (0 <= top < bottom <= 1 and 0 <= left < right <= 1):
                raise UserError(
                    f"training.mouth_box is {list(self.mouth_box)}; it must be null or rising fractions of the "
                    "picture: first and last row, first and last column."
                )

    @property
    def in_memory_bytes(self) -> int:
        """Bytes of decoded frames that a split may take in memory."""
        return int(self.in_memory_gib * 2**30)

    @property
    def steps(self) -> int:
        """Number of optimiser steps, the last one included that reaches `images`."""
        return math.ceil(self.images / self.batch_size)


@dataclass(frozen=True)
class RunSettings:
    """The whole config of a run. compat: a key of COMPAT; it decides network.time_frequencies too, see `run_settings`.
    audio_encoder_from: the sync encoder that the audio encoder starts from, by name, and stays at where it is frozen."""

    dataset: str
    min_clips: int
    gpus: int
    network: NetworkSettings
    diffusion: DiffusionSettings
    conditioning_augmentation: AugmentationSettings
    training: TrainingSettings
    compat: str = "paper"
    audio_encoder_from: str | None = None
    audio_encoder_frozen: bool = False
    resume_from: str | None = None

    def __post_init__(self):
        if self.compat not in COMPAT:
            raise UserError(f"runs.NAME.compat is {self.compat!r}; it must be one of {', '.join(COMPAT)}.")
        if self.compat == "published" and self.diffusion.parameterization != "ddpm":
            raise UserError(
                "runs.NAME.compat published is the published DDPM; set runs.NAME.diffusion.parameterization to ddpm."
            )
        if self.audio_encoder_frozen and self.audio_encoder_from is None:
            raise UserError(
                "runs.NAME.audio_encoder_frozen needs runs.NAME.audio_encoder_from, or the audio encoder would never be trained."
            )

    @property
    def lip_frame(self) -> str:
        """The frame whose landmarks place the box of the lip loss: "target", or "identity" as the published code has it."""
        return COMPAT[self.compat]["lip_frame"]


def check_validation(block: str, log_every_images: int, validation_every_images: int) -> None:
    """Raise UserError unless every validation has a line of the log to go into."""
    if validation_every_images % log_every_images:
        raise UserError(
            f"{block}.validation_every_images is {validation_every_images}; it must be a multiple of "
            f"{block}.log_every_images ({log_every_images}), to whose lines of the log it adds."
        )


def run_settings(config: dict) -> RunSettings:
    """The config block of a run, checked, with what its `compat` decides. Raises UserError for what does not fit."""
    if config.get("network", {}).get("audio_encoder") == "none":
        raise UserError("runs.NAME.network.audio_encoder none is for imported models; a run needs conv or published.")
    run = build(RunSettings, config, "runs.NAME")
    frequencies = COMPAT[run.compat]["time_frequencies"]
    # The config that an export records has it.
    if config["network"].get("time_frequencies", frequencies) != frequencies:
        raise UserError("runs.NAME.network.time_frequencies follows from runs.NAME.compat; remove it.")
    network = dataclasses.replace(run.network, time_frequencies=frequencies)
    return dataclasses.replace(run, network=network)


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
