"""Prediction of the lip shape from audio features; the UNet is conditioned on the lip shape.

Audio explains little of the pixel variance of a real mouth, and the denoising loss is too noisy for that signal: a
network that is conditioned on audio alone learns to ignore it (docs/benchmarks.md). Audio predicts two numbers of the lips
well, and these determine the pixels of the mouth well. So in training the UNet is conditioned on the measured lip shape of
the target frame, and this predictor is trained together with it; in sampling the prediction is used.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME
from dheads_model.network.audio_encoder import SPEECH_LEVEL, SPEECH_SPREAD, AudioSizes

# The lip shape: height of the gap between the lips, width of the mouth.
LIP_NUMBERS = 2
# Mean and standard deviation of both in eye distances, over three speech corpora together. Constants, so that values do
# not depend on the training data of a model.
LIP_LEVEL = (0.09, 0.79)
LIP_SPREAD = (0.07, 0.06)
_GAP, _CORNERS = (62, 66), (48, 54)  # iBUG-68
_EYES = slice(36, 42), slice(42, 48)
_HIDDEN = 128
_DROPOUT = 0.3


class LipReader(nn.Module):
    """Normalised convolutions over the columns of a window and its frames, then the lip shape of its middle frame.

    A prediction is the mean of the corpus plus a deviation from the clip's mean, which `gain` multiplies: a least-squares
    prediction has a lower variance than the true lip shape.
    """

    def __init__(self, settings: AudioSizes):
        super().__init__()
        width = settings.audio_channels
        self.bands = nn.Conv1d(settings.feature_bands, width, 5, padding=2)
        self.columns = nn.Conv1d(width, width, 5, padding=2)
        self.frames = nn.Conv1d(width, width, FEATURE_COLUMNS_PER_FRAME, stride=FEATURE_COLUMNS_PER_FRAME)
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for _ in range(3))
        self.hidden = nn.Linear(settings.audio_frames * width, _HIDDEN)
        self.hidden_norm = nn.LayerNorm(_HIDDEN)
        self.deviation = nn.Linear(_HIDDEN, LIP_NUMBERS)
        self.mean = nn.Parameter(torch.zeros(LIP_NUMBERS))
        # Gap and width are distances. Amplified predictions can be below 0, as no training frame is, and break whole frames.
        least = [-level / spread for level, spread in zip(LIP_LEVEL, LIP_SPREAD, strict=True)]
        self.register_buffer("least", torch.tensor(least), persistent=False)

    def forward(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Deviation of the lips from the clip's mean `[B, LIP_NUMBERS]`, of features `[B, W, 4, bands]`.

        generator: draws the dropout of training, None for no dropout.
        """
        return self.deviation(self._hidden(features, generator))

    def predict(self, features: Tensor, gain: float) -> Tensor:
        """Predicted lip shape, standardised as in `lip_shape`, `[B, LIP_NUMBERS]`; gap and width are at least 0.

        Computed row by row: libraries round a matrix product with few outputs differently by the row's place in the batch, and
        a video must not depend on the others of its batch.
        """
        rows = (self._hidden(features, None)[:, None] * self.deviation.weight).sum(dim=-1)
        return (self.mean + gain * (rows + self.deviation.bias)).clamp(min=self.least)

    def _hidden(self, features: Tensor, generator: torch.Generator | None) -> Tensor:
        x = (features.float() - SPEECH_LEVEL) / SPEECH_SPREAD
        x = _dropped(x.flatten(1, 2).transpose(1, 2), generator)
        x = F.silu(self.norms[0](self.bands(x)))
        x = x + F.silu(self.norms[1](self.columns(x)))
        x = F.silu(self.norms[2](self.frames(x))).flatten(1)
        x = F.silu(self.hidden_norm(self.hidden(_dropped(x, generator))))
        return _dropped(x, generator)


def lip_shape(landmarks: Tensor) -> Tensor:
    """Gap between the lips and width of the mouth of landmarks `[B, 68, 2]`, standardised, `[B, LIP_NUMBERS]`."""
    right, left = (landmarks[:, eye].mean(dim=1) for eye in _EYES)
    eyes = torch.linalg.vector_norm(left - right, dim=1).clamp(min=1e-6)
    sizes = [torch.linalg.vector_norm(landmarks[:, a] - landmarks[:, b], dim=1) / eyes for a, b in (_GAP, _CORNERS)]
    level, spread = (torch.tensor(values).to(landmarks) for values in (LIP_LEVEL, LIP_SPREAD))
    return (torch.stack(sizes, dim=1) - level) / spread


def lip_error(
    reader: LipReader, features: Tensor, lips: Tensor, mean_lips: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Squared error of the predicted deviation of the lips plus that of their mean, per sample `[B]`.

    lips, mean_lips: measured, from `lip_shape`, of the frame and of its clip. The deviation is that from the clip's mean,
    because audio does not determine how a speaker's lips differ from those of others.
    """
    deviation = (reader(features, generator) - (lips - mean_lips)) ** 2
    return (deviation + (lips - reader.mean) ** 2).mean(dim=1)


def _dropped(x: Tensor, generator: torch.Generator | None) -> Tensor:
    if generator is None:
        return x
    kept = torch.rand(x.shape, generator=generator, device=generator.device) >= _DROPOUT
    return x * kept.to(x) / (1 - _DROPOUT)
