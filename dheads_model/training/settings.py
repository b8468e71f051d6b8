"""The config of a run as dataclasses, and what follows from it alone."""

import dataclasses
import math
from typing import Annotated, Literal

from pydantic import Field

from dheads_model.config import OPTIONAL, Count, CountOrZero, NonNegativeFloat, PositiveFloat, Share, build, settings
from dheads_model.diffusion.settings import AugmentationSettings
from dheads_model.errors import UserError
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from dheads_model.training.distillation_settings import DistillationSettings

# What a run does where the published code differs from the paper: the frequencies of the time embedding (see
# `sinusoid_frequencies`), and the frame whose landmarks place the box of the lip loss (see `lip_boxes`).
COMPAT = {
    "paper": {"time_frequencies": "standard", "lip_frame": "target"},
    "published": {"time_frequencies": "published", "lip_frame": "identity"},
}
_STEPS = 18  # the published training lowers its rate 18 times ...
_STEP_FACTOR = 0.8  # ... by this factor


def check_validation(block: str, log_every_images: int, validation_every_images: int) -> None:
    """Raise UserError unless every validation coincides with a line of the log."""
    if validation_every_images % log_every_images:
        raise UserError(
            f"{block}.validation_every_images is {validation_every_images}; it must be a multiple of "
            f"{block}.log_every_images ({log_every_images}), since its values are part of a log line."
        )


@settings("training")
class TrainingSettings:
    """The training loop. Durations are in images, not in epochs."""

    images: Count = 14000
    """Total number of training images."""
    batch_size: Count = 8
    """Images per step."""
    learning_rate: PositiveFloat = 0.003
    """Peak learning rate of AdamW."""
    muon_learning_rate: PositiveFloat | None = 0.005
    """Peak learning rate of Muon, which trains the convolutions of the UNet between its first and last layer; scaled so that
    values of AdamW's size fit. null: AdamW trains them too, as in the paper's code."""
    warmup_images: CountOrZero = 800
    """Length of the linear warm-up, in images."""
    decay: Literal["cosine", "step"] = "cosine"
    """Decay after the warm-up: a cosine to zero, or 18 steps of factor 0.8 as published."""
    gradient_clip: PositiveFloat | None = 1.0
    """Maximum norm of the gradient; null for no limit, as in the paper's code."""
    adam_betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.99)
    """Betas of AdamW; 0.9 and 0.999 in the paper's code. There is no weight decay."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay of the exponential moving average (EMA) of the weights, which is exported; at most (1 + step) / (10 +
    step)."""
    mouth_weight: Annotated[float, Field(ge=1)] = 15.0
    """Loss weight in a box around the mouth (edm)."""
    eye_weight: Annotated[float, Field(ge=1)] = 16.0
    """Factor on the loss weight in network.eye_box (edm), for networks with an eye_condition."""
    face_weight: NonNegativeFloat = 0.5
    """Weight of the face loss: squared difference of lips and eyes between denoised and true frame, for networks with a
    face_reader (edm)."""
    mouth_box: tuple[Share, Share, Share, Share] | None = None
    """Box of mouth_weight and lip_weight. null: placed by the landmarks of the lips. Four fractions of the crop (first
    and last row, first and last column): a fixed box, which needs no landmarks; [0.55, 0.85, 0.3, 0.7] fits the default
    crop."""
    lip_weight: NonNegativeFloat = 0.2
    """Weight of the lip loss, the loss in a box around the mouth (ddpm); 0.2 in the paper."""
    vlb_weight: NonNegativeFloat = 0.0001
    """Weight of the variational bound, which trains a learned variance (ddpm); 0.0001 in the paper's code."""
    flip: bool = True
    """Mirror half of the samples horizontally."""
    colour_jitter: NonNegativeFloat = 0.0
    """Strength of random changes of gamma, saturation, channel gains and shading (a smooth field of brightness), the same
    for all frames of a sample. 0 for none; 1 for corpora of few speakers, see docs/training.md."""
    log_sigma_mean: float = -0.5
    """Mean of the logarithm of the training noise levels (edm)."""
    log_sigma_std: PositiveFloat = 1.0
    """Standard deviation of the logarithm of the training noise levels (edm)."""
    log_every_images: Count = 1280
    """Images between two lines of the log."""
    validation_every_images: Count = 6400
    """Images between two validations on held-out speakers."""
    state_every_images: Count = 7168
    """Images between two saved states."""
    samples_every_images: CountOrZero = 7168
    """Images between two sheets of generated frames of held-out speakers (state/RUN/IDENTITY/samples/); 0 for none."""
    gradient_accumulation: Count = 2
    """Number of micro-batches per step and rank. More need less memory on a GPU, and use as many cores on a CPU. The
    step is the same up to rounding."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass: a third more arithmetic, a fraction of the memory, the same
    step."""
    compiled: bool = False
    """On a GPU, compile forward and backward pass (torch.compile): one or two minutes at the start, then faster and
    with less memory. Has no effect on a CPU."""
    in_memory_gib: NonNegativeFloat = 2.0
    """GiB of decoded frames per split in memory. A training split that fits is held by every rank. A larger one is
    streamed in blocks of shards of half this size (at least one shard), divided among the ranks. Of a validation split
    larger than an eighth of it, evenly spaced shards are held. It affects the order of the images."""
    stream_passes: Count = 4
    """How often a streamed clip is decoded until each of its frames was a target once. More mixes better, fewer decode
    less."""
    stop_when_audio_ignored: bool = False
    """Stop a training whose audio gain (docs/training.md) was zero in three consecutive validations. false: only
    warn."""
    audio_lr_scale: NonNegativeFloat = 1.0
    """Learning rate of the audio encoder and of the MLP behind it, as a multiple of learning_rate."""
    lip_lr_scale: NonNegativeFloat = 0.4
    """Learning rate of the lip reader, as a multiple of learning_rate."""
    lip_windows: CountOrZero = 64
    """Audio windows per step on which the lip reader is trained, in addition to those of the images, if the clips are
    held in memory. With 0, and for streamed clips, it is trained on the windows of the images."""
    lip_weight_decay: NonNegativeFloat = 0.05
    """Weight decay of the lip reader, which otherwise overfits to few speakers."""
    tensorboard: bool = False
    """Also write the log for TensorBoard (state/RUN/IDENTITY/tensorboard/); needs `pip install tensorboard`."""
    seed: CountOrZero = 1
    """Seed of weights, batches and noise."""

    def __post_init__(self):
        check_validation("training", self.log_every_images, self.validation_every_images)
        if self.mouth_box is not None:
            top, bottom, left, right = self.mouth_box
            if not (top < bottom and left < right):
                raise UserError(
                    f"training.mouth_box is {list(self.mouth_box)}; it must be null or rising fractions of "
                    "the crop: first and last row, first and last column."
                )

    @property
    def in_memory_bytes(self) -> int:
        """Bytes of decoded frames that a split may take in memory."""
        return int(self.in_memory_gib * 2**30)

    @property
    def steps(self) -> int:
        """Number of optimiser steps, the last one included that reaches `images`."""
        return math.ceil(self.images / self.batch_size)


@settings("runs.NAME")
class RunSettings:
    """One training."""

    dataset: str = "embedded"
    """Dataset whose training split is used."""
    min_clips: Count = 40
    """With fewer training clips nothing is trained, and the table has a note instead of the row, unless model names an
    export."""
    gpus: CountOrZero = 0
    """GPUs of the job, which sees no others; 0: it computes on the CPU."""
    compat: Literal[*COMPAT] = "paper"
    """Variant where the published code differs from the paper. published: the code's frequencies of the time embedding
    (1 to 0.1 radians per step instead of 1 to 0.0001), and its lip loss, in a box at the lips of the identity frame
    instead of the target frame. Needs diffusion.parameterization ddpm. The other differences are sizes, see
    config/published_crema.yaml."""
    audio_encoder_from: Annotated[str | None, OPTIONAL] = None
    """Sync encoder, of the run's dataset, whose audio encoder initialises the one of this run. null: random
    initialisation, trained with the UNet. Not used in the paper's configs."""
    audio_encoder_frozen: Annotated[bool, OPTIONAL] = False
    """Whether that audio encoder is not trained; needs audio_encoder_from."""
    resume_from: Annotated[str | None, OPTIONAL] = None
    """Folder of a training state (state/RUN/IDENTITY) to resume from although its code, data or settings differ;
    model.json then records which code trained up to which image. null: resume only a training of the same config, data
    and code."""
    distillation: Annotated[DistillationSettings | None, OPTIONAL] = None
    network: NetworkSettings = NetworkSettings()
    diffusion: DiffusionSettings = DiffusionSettings()
    conditioning_augmentation: AugmentationSettings = AugmentationSettings()
    training: TrainingSettings = TrainingSettings()

    def __post_init__(self):
        if self.compat == "published" and self.diffusion.parameterization != "ddpm":
            raise UserError(
                "runs.NAME.compat published is the published DDPM; set runs.NAME.diffusion.parameterization to ddpm."
            )
        if self.audio_encoder_frozen and self.audio_encoder_from is None:
            raise UserError(
                "runs.NAME.audio_encoder_frozen needs runs.NAME.audio_encoder_from, or the audio encoder would never be trained."
            )

        if self.distillation is not None:
            _check_distilled_run(self)

    @property
    def lip_frame(self) -> str:
        """The frame whose landmarks place the box of the lip loss: "target", or "identity" as the published code has it."""
        return COMPAT[self.compat]["lip_frame"]


def _check_distilled_run(run: RunSettings) -> None:
    """Raise UserError for settings of a run with a block distillation that contradict it."""
    if run.diffusion.parameterization != "edm":
        raise UserError(
            "runs.NAME.distillation needs runs.NAME.diffusion.parameterization edm; remove the block for ddpm."
        )
    if run.network.audio_encoder != "conv":
        raise UserError(
            f"runs.NAME.distillation needs runs.NAME.network.audio_encoder conv, not {run.network.audio_encoder}; remove the block."
        )
    if run.audio_encoder_from is not None:
        raise UserError(
            "runs.NAME.audio_encoder_from must be null for a run with a block distillation, which starts from its teacher's "
            "weights."
        )
    if run.conditioning_augmentation.audio_drop:
        raise UserError(
            f"runs.NAME.conditioning_augmentation.audio_drop is {run.conditioning_augmentation.audio_drop:g}; a distilled run has "
            "guidance in its weights and never drops the audio condition: set it to 0."
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
