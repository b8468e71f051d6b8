"""Measurement of lips and eyes in a frame by a small network, for a loss that compares faces instead of pixels.

Lips and lids are a few of a frame's pixels, so the denoising loss alone follows the lip condition weakly. The reader is
trained together with the UNet on true frames and their landmarks. It is not used in sampling. The idea is that of a lip-sync
expert as a loss (Wav2Lip, arXiv 2008.10010), with measured shapes in place of sync.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.network.eyes import aspect_ratio
from dheads_model.network.lip_reader import lip_shape

# Gap between the lips, width of the mouth, openness of the eyes.
FACE_NUMBERS = 3
# Mean and standard deviation of the eyes' aspect ratio. Constants, so that values do not depend on the training data.
_EYE_LEVEL, _EYE_SPREAD = 0.27, 0.08
# Landmarks beyond this many standard deviations are mostly errors.
_FARTHEST = 4.0
_WIDTH, _HIDDEN = 24, 96


class FaceReader(nn.Module):
    """Four convolutions of stride 2, then two linear layers; for square frames of `image_size` pixels."""

    def __init__(self, image_size: int):
        super().__init__()
        widths = (3, _WIDTH, 2 * _WIDTH, 2 * _WIDTH, 2 * _WIDTH)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
            for inputs, outputs in zip(widths, widths[1:], strict=False)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for width in widths[1:])
        self.hidden = nn.Linear(widths[-1] * (-(-image_size // 16)) ** 2, _HIDDEN)
        self.shape = nn.Linear(_HIDDEN, FACE_NUMBERS)

    def forward(self, frames: Tensor, frozen: bool = False) -> Tensor:
        """Shape of lips and eyes `[B, FACE_NUMBERS]`, standardised as in `face_shape`, of frames `[B, 3, S, S]` in [-1, 1].

        frozen: the weights get no gradient, only the frames do.
        """

        # The module is not changed for this, neither its parameters nor their requires_grad: micro-batches share it and run
        # at the same time in several threads.
        def weights(layer: nn.Module) -> tuple[Tensor, Tensor]:
            return (layer.weight.detach(), layer.bias.detach()) if frozen else (layer.weight, layer.bias)

        x = frames
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.conv2d(x, *weights(convolution), convolution.stride, convolution.padding)
            x = F.silu(F.group_norm(x, norm.num_groups, *weights(norm), norm.eps))
        x = F.silu(F.linear(x.flatten(1), *weights(self.hidden)))
        return F.linear(x, *weights(self.shape))


def face_shape(landmarks: Tensor) -> Tensor:
    """Lip shape and openness of the eyes of landmarks `[B, 68, 2]`, standardised, `[B, FACE_NUMBERS]`; mirroring leaves it."""
    eyes = (aspect_ratio(landmarks) - _EYE_LEVEL) / _EYE_SPREAD
    return torch.cat([lip_shape(landmarks), eyes[:, None]], dim=1).clamp(-_FARTHEST, _FARTHEST)
