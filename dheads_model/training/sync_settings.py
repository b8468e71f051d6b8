"""The config of a sync encoder's training."""

from typing import ClassVar, Literal

from dheads_model.config import Count, CountOrZero, NonNegativeFloat, PositiveFloat, settings
from dheads_model.errors import UserError
from dheads_model.network.sync_settings import SyncEncoderSettings
from dheads_model.training.settings import check_validation


@settings("training")
class ContrastiveSettings:
    """InfoNCE with hard negatives from the same clip. A window of mouth and audio counts as an image."""

    images: Count = 64000
    """Total number of windows."""
    clips_per_batch: Count = 8
    """Clips per step. Windows of other clips are the easy negatives."""
    windows_per_clip: Count = 8
    """Windows per clip. The other windows of the same clip are the hard negatives. Shorter clips are left out."""
    closest_negative: Count = 3
    """Minimum distance between two windows of a clip, in frames."""
    learning_rate: PositiveFloat = 0.002
    """Peak learning rate of AdamW, with a cosine decay to zero."""
    warmup_images: CountOrZero = 3200
    """Length of the linear warm-up, in windows."""
    weight_decay: NonNegativeFloat = 0.05
    """Weight decay of AdamW."""
    log_every_images: Count = 3200
    """Windows between two lines of the log."""
    validation_every_images: Count = 16000
    """Windows between two validations on held-out speakers; a multiple of log_every_images."""
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
    """With fewer training clips it is not trained, and what needs it is refused with the reason."""
    max_clips: Count = 20000
    """Approximate maximum number of training clips. If there are more, every k-th shard is used. All are held in
    memory, about 3 kB per frame."""
    gpus: CountOrZero = 0
    """GPUs of the job, which sees no others; 0: it computes on the CPU."""
    speakers: Literal["all", "even", "odd"] = "even"
    """Training speakers: all, or every second one of their sorted names, so that two encoders can have disjoint
    speakers."""
    held_out_sentences: CountOrZero = 0
    """Number of sentences left out of the training. Their accuracy is reported separately, to detect overfitting to a
    corpus with few sentences."""
    network: SyncEncoderSettings = SyncEncoderSettings()
    training: ContrastiveSettings = ContrastiveSettings()
