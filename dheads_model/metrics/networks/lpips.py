"""LPIPS v0.1 (Zhang et al. 2018) on AlexNet: distance of unit-normalised features, weighted by the released linear heads.

Own AlexNet with torchvision's names, equal to it and to the package lpips 0.1.4 with the same weights. Values of another
backbone (VGG) are several times as large, so the backbone is part of the metric's name.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.metrics.networks.strict import fill, in_batches, read_state
from dheads_model.weights import Weights

BACKBONE_NAME = "alexnet-owt-7be5be79.pth"
HEADS_NAME = "lpips_v0.1_alex.pth"
LEAST_SIDE = 32
# Inputs of -1 .. 1 to those that the backbone was trained on: sec. "lin" of the released code.
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_TAPS = (1, 4, 7, 9, 11)  # layers whose outputs are compared: after each ReLU
_CHANNELS = (64, 192, 384, 256, 256)
# The classifier of the released backbone, which LPIPS does not use.
_UNUSED = {
    "classifier.1.weight": (4096, 9216), "classifier.1.bias": (4096,), "classifier.4.weight": (4096, 4096),
    "classifier.4.bias": (4096,), "classifier.6.weight": (1000, 4096), "classifier.6.bias": (1000,),
}  # fmt: skip
_AT_ONCE = 8


class AlexFeatures(nn.Module):
    """Images `[N, 3, H, W]`, normalised -> the five feature maps that LPIPS compares."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> list[Tensor]:
        found = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in _TAPS:
                found.append(x)
        return found


class Heads(nn.Module):
    """One weight a channel of each feature map, at least 0; names of the released file."""

    def __init__(self):
        super().__init__()
        for number, channels in enumerate(_CHANNELS):
            # The first of the two layers is a dropout in training.
            head = nn.Sequential(nn.Identity(), nn.Conv2d(channels, 1, 1, bias=False))
            self.add_module(f"lin{number}", nn.ModuleDict({"model": head}))


class Lpips(nn.Module):
    """Pairs of images `[N, 6, H, W]` of -1 .. 1, the second three channels those of the other image -> distances `[N]`."""

    def __init__(self, backbone: AlexFeatures, heads: Heads):
        super().__init__()
        self.backbone, self.heads = backbone, heads
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1))

    def forward(self, pairs: Tensor) -> Tensor:
        first, second = (self.backbone((part - self.shift) / self.scale) for part in pairs.split(3, dim=1))
        total = pairs.new_zeros(len(pairs))
        for number, (a, b) in enumerate(zip(first, second, strict=True)):
            weighted = self.heads.get_submodule(f"lin{number}")["model"]((_unit(a) - _unit(b)) ** 2)
            total = total + weighted.mean(dim=(1, 2, 3))
        return total


def open_lpips(folder: Path | str, backbone: Weights, heads: Weights) -> Lpips:
    """The metric with the released weights in `folder`; raises UserError when they are missing or other ones."""
    features, unused = {}, {}
    for name, value in read_state(Path(folder, backbone.name), backbone).items():
        (unused if name.startswith("classifier.") else features)[name] = value
    if {name: tuple(value.shape) for name, value in unused.items()} != _UNUSED:
        raise UserError(
            f"{backbone.name} has another classifier than AlexNet; give the file that config/weights.tsv names."
        )
    network = fill(AlexFeatures(), features, backbone.name)
    return Lpips(network, fill(Heads(), read_state(Path(folder, heads.name), heads), heads.name)).eval()


def video_lpips(network: Lpips, frames: np.ndarray, reference: np.ndarray) -> float:
    """Mean LPIPS over the frames of two videos uint8 RGB `[T, H, W, 3]` of one shape; 0 for equal ones, sides of at least 32."""
    if min(frames.shape[1:3]) < LEAST_SIDE:
        raise UserError(f"LPIPS needs pictures of {LEAST_SIDE} pixels at least, not {min(frames.shape[1:3])}.")
    both = np.concatenate([frames, reference], axis=3)
    starts = range(0, len(both), _AT_ONCE)
    parts = [in_batches(network, _scaled(both[start : start + _AT_ONCE]), _AT_ONCE) for start in starts]
    return float(torch.cat(parts).double().mean())


def _scaled(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _unit(features: Tensor) -> Tensor:
    return features / (features.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10)
