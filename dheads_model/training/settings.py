"""The config of a run as dataclasses, and what follows from it alone."""

import dataclasses
import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dheads_model.config import OPTIONAL, Count, CountOrZero, NonNegativeFloat, PositiveFloat, Share, build, settings
from dheads_model.diffusion.settings import AugmentationSettings
from dheads_model.errors import UserError
from dheads_model.network.settings import DiffusionSettings, NetworkSettings, SyncEncoderSettings

# What a run does where the published code departs from the paper: the frequencies of the time embedding (see
# `sinusoid_frequencies`), and whose lips the lip loss looks at (see `lip_boxes`).
COMPAT = {
    "paper": {"time_frequencies": "standard", "lip_frame": "target"},
    "published": {"time_frequencies": "published", "lip_frame": "identity"},
}
_STEPS = 18  # the published training lowers its rate 18 times ...
_STEP_FACTOR = 0.8  # ... by this factor


def check_validation(block: str, log_every_images: int, validation_every_images: int) -> None:
    """Raise UserError unless every validation has a line of the log to go into."""
    if validation_every_images % log_every_images:
        raise UserError(
            f"{block}.validation_every_images is {validation_every_images}; it must be a multiple of "
            f"{block}.log_every_images ({log_every_images}), to whose lines of the log it adds."
        )


@settings("training")
class TrainingSettings:
    """The training loop. Lengths are in images, never epochs."""

    images: Count = 28000
    """Images seen in all."""
    batch_size: Count = 8
    """Images a step."""
    learning_rate: PositiveFloat = 0.003
    """Highest learning rate of AdamW."""
    warmup_images: CountOrZero = 800
    """Images over which the rate rises linearly."""
    decay: Literal["cosine", "step"] = "cosine"
    """Then a cosine to zero, or the published 18 steps of 0.8."""
    gradient_clip: PositiveFloat | None = 1.0
    """Largest norm of the gradient; null for no limit, as in the paper's code."""
    adam_betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.99)
    """Decay of AdamW's two running means; 0.9 and 0.999 in the paper's code. There is no weight decay."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.998
    """Decay of the averaged weights that are exported; at most (1 + step) / (10 + step)."""
    mouth_weight: Annotated[float, Field(ge=1)] = 15.0
    """Weight of the error in a box around the mouth (edm)."""
    mouth_box: tuple[Share, Share, Share, Share] | None = None
    """The box for mouth_weight and lip_weight: null places it by the lips' landmarks, four fractions of the picture
    (first and last row, first and last column) are a fixed one that needs no landmarks; [0.55, 0.85, 0.3, 0.7] fits the
    default crop."""
    lip_weight: NonNegativeFloat = 0.2
    """Weight of the lip loss, the error in a box around the mouth (ddpm); 0.2 in the paper."""
    vlb_weight: NonNegativeFloat = 0.0001
    """Weight of the variational bound, which trains a learned variance (ddpm); 0.0001 in the paper's code."""
    flip: bool = True
    """Mirror half of the samples."""
    log_sigma_mean: float = 0.3
    """Mean of the logarithm of the noise levels trained on (edm)."""
    log_sigma_std: PositiveFloat = 0.8
    """Its standard deviation (edm)."""
    log_every_images: Count = 1280
    """Images between two lines of the log."""
    validation_every_images: Count = 6400
    """Images between two losses on held-out speakers."""
    state_every_images: Count = 7168
    """Images between two saved states."""
    samples_every_images: CountOrZero = 14336
    """Images between two pictures of what the model makes of held-out speakers (state/RUN/IDENTITY/samples/); 0 for
    none."""
    gradient_accumulation: Count = 2
    """Passes in which a process takes its share of a batch: to save memory on a GPU, to use so many cores on a CPU; the
    same step up to rounding."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass: a third more work, a fraction of the memory; the same step."""
    compiled: bool = False
    """On a GPU, compile the passes that learn into few kernels: a minute or two at the start, then much faster and with
    less memory. A CPU's are not compiled."""
    in_memory_gib: NonNegativeFloat = 2.0
    """GiB of decoded frames that a split may take in memory. A training split that fits is held by every process; a
    larger one is streamed in blocks of shards of half this size (at least one shard), shared by the ranks. Of a
    validation split larger than an eighth of it, evenly spaced shards are held. It decides the order of the images."""
    stream_passes: Count = 4
    """Times that a streamed clip is decoded until each of its frames was a target once: more mixes better, fewer decode
    less."""
    stop_when_audio_ignored: bool = False
    """Stop a training whose audio gain (docs/training.md) was zero in three validations in a row; false only warns."""
    audio_lr_scale: NonNegativeFloat = 1.0
    """Learning rate of what takes the sound (audio encoder and its perceptron), as a multiple of learning_rate."""
    lip_lr_scale: NonNegativeFloat = 0.2
    """Learning rate of the lip reader, as a multiple of learning_rate."""
    lip_windows: CountOrZero = 64
    """Windows of sound that the lip reader learns from in a step, beside the images, where the clips are held in
    memory; 0, and for streamed clips, those of the images."""
    lip_weight_decay: NonNegativeFloat = 0.05
    """Weight decay of the lip reader, which else learns the few speakers by heart."""
    tensorboard: bool = False
    """Write the log for TensorBoard too (state/RUN/IDENTITY/tensorboard/); needs `pip install tensorboard`."""
    seed: CountOrZero = 1
    """Seed of weights, batches and noise."""

    def __post_init__(self):
        check_validation("training", self.log_every_images, self.validation_every_images)
        if self.mouth_box is not None:
            top, bottom, left, right = self.mouth_box
            if not (top < bottom and left < right):
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


@settings("runs.NAME")
class RunSettings:
    """One training."""

    dataset: str = "embedded"
    """Dataset whose training split is learned from."""
    min_clips: Count = 40
    """With fewer training clips nothing is trained: the row is left out with a note, unless model names an export."""
    gpus: CountOrZero = 0
    """GPUs that the job asks the cluster for; it uses CUDA wherever it finds it."""
    compat: Literal[*COMPAT] = "paper"
    """Where the published code departs from the paper: published takes its frequencies of the time embedding (1 to 0.1
    radians a step instead of 1 to 0.0001) and its lip loss, which looks where the lips of the identity frame are
    instead of the target's. Needs diffusion.parameterization ddpm. The rest of its departures are sizes, see
    config/published_crema.yaml."""
    audio_encoder_from: Annotated[str | None, OPTIONAL] = None
    """Sync encoder, of the run's dataset, whose audio encoder this run starts from; null trains one from nothing with
    the UNet. Off in the paper's configs."""
    audio_encoder_frozen: Annotated[bool, OPTIONAL] = False
    """Whether training leaves that audio encoder as it is; needs audio_encoder_from."""
    resume_from: Annotated[str | None, OPTIONAL] = None
    """Folder of a training state (state/RUN/IDENTITY) to resume from although its code, data or settings were others;
    model.json then says up to which image which code trained. null resumes only what the same config, data and code
    began."""
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

    @property
    def lip_frame(self) -> str:
        """The frame whose landmarks place the box of the lip loss: "target", or "identity" as the published code has it."""
        return COMPAT[self.compat]["lip_frame"]


@settings("training")
class ContrastiveSettings:
    """InfoNCE with hard negatives from the same clip. A window of mouth and sound counts as an image."""

    images: Count = 64000
    """Windows seen in all."""
    clips_per_batch: Count = 8
    """Clips of a step; a window's easy negatives come from the others."""
    windows_per_clip: Count = 8
    """Windows of each; a window's hard negatives are the others of its clip. Shorter clips are left out."""
    closest_negative: Count = 3
    """Frames that windows of a clip lie apart at least."""
    learning_rate: PositiveFloat = 0.002
    """Highest learning rate of AdamW, on a cosine to zero."""
    warmup_images: CountOrZero = 3200
    """Windows over which the rate rises linearly."""
    weight_decay: NonNegativeFloat = 0.05
    """Weight decay of AdamW."""
    log_every_images: Count = 3200
    """Windows between two lines of the log."""
    validation_every_images: Count = 16000
    """Windows between two accuracies on held-out speakers; a multiple of log_every_images."""
    state_every_images: Count = 16000
    """Windows between two saved states."""
    seed: CountOrZero = 11
    """Seed of weights, batches and held-out sentences."""
    decay: ClassVar[str] = "cosine"

    def __post_init__(self):
        if self.batch_size < 2:
            raise UserError(
                "sync_encoders.NAME.training needs at least two windows a batch: clips_per_batch times windows_per_clip."
            )
        check_validation("sync_encoders.NAME.training", self.log_every_images, self.validation_every_images)

    @property
    def batch_size(self) -> int:
        """Windows of a step."""
        return self.clips_per_batch * self.windows_per_clip

    @property
    def steps(self) -> int:
        """Number of optimiser steps, the last one included that reaches `images`."""
        return -(-self.images // self.batch_size)


@settings("sync_encoders.NAME")
class SyncSettings:
    """One pair of encoders."""

    min_clips: Count = 40
    """With fewer training clips it is not trained: what needs it is refused with the reason."""
    max_clips: Count = 20000
    """Training clips to learn from, about; of more, every so manyth shard is taken. All are held in memory, some 3 kB a
    frame."""
    gpus: CountOrZero = 0
    """GPUs that the job asks the cluster for; it uses CUDA wherever it finds it."""
    speakers: Literal["all", "even", "odd"] = "even"
    """Training speakers to learn from: all, or every second one of their sorted names, so that two encoders can share
    none."""
    held_out_sentences: CountOrZero = 0
    """Sentences kept out of the training, and reported apart, to see whether a corpus of few sentences was learnt by
    heart."""
    network: SyncEncoderSettings = SyncEncoderSettings()
    training: ContrastiveSettings = ContrastiveSettings()


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
