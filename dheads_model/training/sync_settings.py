"""The config of a sync encoder's training."""

from typing import ClassVar, Literal

from dheads_model.config import Count, CountOrZero, NonNegativeFloat, PositiveFloat, settings
from dheads_model.errors import UserError
from dheads_model.network.sync_settings import SyncEncoderSettings
from dheads_model.training.settings import check_validation


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
