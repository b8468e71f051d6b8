"""From log filterbank to one audio embedding a video frame, trained together with the UNet."""

import torch
from torch import Tensor, nn

from dheads_model.network.settings import NetworkSettings

# Natural log of mel energies of speech at full scale: what the encoder subtracts and divides by, fixed so that no
# statistics of the training data are needed to use a model.
FEATURE_MEAN, FEATURE_SPREAD = -8.0, 4.0


class AudioEncoder(nn.Module):
    """Embeddings `[B, W, D]` of W consecutive video frames from features `[B, W, 4, bands]`, four columns a frame.

    Convolutions over time see the columns of the whole window, then each frame's four columns become one vector.
    """

    def __init__(self, settings: NetworkSettings):
        super().__init__()
        width = settings.audio_channels
        self.columns = nn.Sequential(
            nn.Conv1d(settings.feature_bands, width, 5, padding=2),
            nn.SiLU(),
            nn.Conv1d(width, width, 5, padding=2),
            nn.SiLU(),
        )
        self.frame = nn.Conv1d(width, width, 4, stride=4)

    def forward(self, features: Tensor) -> Tensor:
        batch, frames, columns, bands = features.shape
        line = ((features - FEATURE_MEAN) / FEATURE_SPREAD).reshape(batch, frames * columns, bands)
        return self.frame(self.columns(line.transpose(1, 2))).transpose(1, 2)


def silence(features: Tensor) -> Tensor:
    """Features that stand for no sound being told: exactly zero after normalisation."""
    return torch.full_like(features, FEATURE_MEAN)
