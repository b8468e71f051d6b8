"""Sizes of the sync encoder."""

from typing import Annotated

from pydantic import Field

from dheads_model.config import Count, CountOrZero, settings


@settings("network")
class SyncEncoderSettings:
    """Sizes. The first three must be those of the run that starts from it."""

    audio_radius: CountOrZero = 2
    """Video frames on both sides of a window's middle, of pictures as of sound; 2 makes SyncNet's 5."""
    audio_channels: Count = 96
    """Width of the audio embedding of a frame."""
    feature_bands: Count = 80
    """Bands of the log filterbank; must equal audio.bands."""
    mouth_channels: Annotated[int, Field(ge=8, multiple_of=8)] = 16
    """Channels of the mouth encoder's first layer, doubled at each of its three halvings."""
    embedding_channels: Count = 64
    """Length of the embeddings that are compared."""

    @property
    def audio_frames(self) -> int:
        """Video frames in a window, of pictures as of sound."""
        return 2 * self.audio_radius + 1
