"""Colour jitter: each sample of a batch in other colours and another light, the same in all of its frames.

Few speakers have few skin tones and one lighting, and a network trained on them renders mouths of other people worse. The
identity frame shows the colours, so a jittered training does not leak into samples and needs no condition of its own.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Largest changes at strength 1, each drawn uniformly: logarithm of the exponent of all channels, of the gain of each
# channel, and relative change of saturation. The logarithm of the shading is a smooth random field instead: normal numbers
# at the crossings of a grid, bicubic between them.
_GAMMA, _GAIN, _SATURATION = 0.6, 0.12, 0.5
_SHADING, _CROSSINGS = 0.3, 5
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def jitter_colours(parts: tuple[Tensor, ...], strength: float, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Images `[B, ..., 3, H, W]` in [-1, 1] in the colours that are drawn for each sample, clamped to [-1, 1].

    strength: multiple of the largest changes; 0 changes nothing. Draws on the generator's device.
    """
    count, where = len(parts[0]), generator.device
    drawn = strength * (2 * torch.rand((count, 5), generator=generator, device=where) - 1)
    gamma, saturation = (_GAMMA * drawn[:, 0]).exp(), 1 + _SATURATION * drawn[:, 1]
    gains = (_GAIN * drawn[:, 2:]).exp()
    crossings = torch.randn((count, 1, _CROSSINGS, _CROSSINGS), generator=generator, device=where)
    field = F.interpolate(crossings, size=parts[0].shape[-2:], mode="bicubic", align_corners=True)
    shading = (_SHADING * strength * field).exp()
    return tuple(_in_colours(images, gamma, saturation, gains, shading) for images in parts)


def _in_colours(images: Tensor, gamma: Tensor, saturation: Tensor, gains: Tensor, shading: Tensor) -> Tensor:
    single = [len(images), *[1] * (images.dim() - 1)]
    channels = [len(images), *[1] * (images.dim() - 4), 3, 1, 1]
    x = ((images + 1) / 2).clamp(0, 1) ** gamma.reshape(single) * gains.reshape(channels)
    x = x * shading.reshape(len(images), *[1] * (images.dim() - 4), 1, *images.shape[-2:])
    grey = (x * torch.tensor(_LUMA).to(x).reshape(3, 1, 1)).sum(dim=-3, keepdim=True)
    return 2 * (grey + saturation.reshape(single) * (x - grey)).clamp(0, 1) - 1
