"""Sizes of the sync encoder."""

from typing import Annotated

from pydantic import Field

from dheads_model.config import Count, CountOrZero, settings


@settings("network")
class SyncEncoderSettings:
    """Sizes. The first three must equal those of the run that is initialised from it."""

    audio_radius: CountOrZero = 2
    """Frames on both sides of the middle of a window of mouth and audio; 2 gives SyncNet's 5 frames."""
    audio_channels: Count = 96
    """Channels of the audio embedding of a frame."""
    feature_bands: Count = 80
    """Bands of the log filterbank; must equal audio.bands."""
    mouth_channels: Annotated[int, Field(ge=8, multiple_of=8)] = 16
    """Channels of the mouth encoder's first layer, doubled at each of three downsamplings."""
    embedding_channels: Count = 64
    """Length of the embeddings."""

    @property
    def audio_frames(self) -> int:
        """Frames in a window of mouth and audio."""
        return 2 * self.audio_radius + 1
