"""The audio encoder: one audio embedding for each frame of an audio window."""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME

# Natural-log filterbank energies of speech recordings scaled to [-1, 1]: mean over 18 recordings -13.1, standard
# deviation within a recording 3.8; digital silence is at -18.4. Constants, so that the normalisation of a window does not
# depend on its clip or corpus.
SPEECH_LEVEL = -13.0
SPEECH_SPREAD = 4.0


class AudioSizes(Protocol):
    """Sizes of an audio encoder: `NetworkSettings`, or the settings of another network that contains one."""

    @property
    def audio_frames(self) -> int: ...

    @property
    def audio_channels(self) -> int: ...

    @property
    def feature_bands(self) -> int: ...


class AudioEncoder(nn.Module):
    """Convolutions over the columns of a window, then one embedding per video frame; trained with the UNet.

    The paper uses a frozen recurrent encoder of another project instead (section 4.1), whose weights have no licence.
    The receptive field of an embedding is its own 40 ms and about 60 ms on each side, within the window.
    """

    def __init__(self, settings: AudioSizes):
        super().__init__()
        self.window = (settings.audio_frames, FEATURE_COLUMNS_PER_FRAME, settings.feature_bands)
        width = settings.audio_channels
        self.register_buffer("level", torch.tensor(SPEECH_LEVEL))
        self.register_buffer("spread", torch.tensor(SPEECH_SPREAD))
        self.bands = nn.Conv1d(settings.feature_bands, width, 5, padding=2)
        self.columns = nn.Conv1d(width, width, 5, padding=2)
        self.frames = nn.Conv1d(width, width, FEATURE_COLUMNS_PER_FRAME, stride=FEATURE_COLUMNS_PER_FRAME)
        self.project = nn.Linear(width, width)

    def forward(self, features: Tensor) -> Tensor:
        """features `[B, W, 4, bands]` natural-log filterbank energies of W consecutive frames -> `[B, W, D]`."""
        if tuple(features.shape[1:]) != self.window:
            raise ValueError(f"features must be [B, {', '.join(map(str, self.window))}], not {list(features.shape)}")
        x = (features - self.level) / self.spread
        x = F.silu(self.bands(x.flatten(1, 2).transpose(1, 2)))
        x = x + F.silu(self.columns(x))
        return self.project(F.silu(self.frames(x)).transpose(1, 2))
