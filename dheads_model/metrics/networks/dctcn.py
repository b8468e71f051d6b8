"""The word reader of Ma et al. 2021 and 2022: densely connected temporal convolutions behind a ResNet-18.

Module names are those of `lrw_resnet18_dctcn_video.pth` (configuration lrw_resnet18_dctcn; 89.6 % of LRW's test words by its
authors). The one that is told where the word begins and ends (`_boundary`) is another network.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.metrics.lrw_words import LRW_WORDS
from dheads_model.metrics.networks.word_network import FEATURES, WordNetwork

_KERNELS, _DILATIONS = (3, 5, 7), (1, 2, 5)
_BLOCKS, _GROWTH, _REDUCED = 4, 384, 512
_BRANCH = _GROWTH // len(_KERNELS)


class _Excitation(nn.Module):
    """Channels weighted by what their means over time say."""

    def __init__(self, channels: int):
        super().__init__()
        inner = channels // 16
        self.fc = nn.Sequential(
            nn.Linear(channels, inner, bias=False), nn.SiLU(), nn.Linear(inner, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(x.mean(dim=2))[..., None]


class _Branch(nn.Module):
    """A dilated convolution over time that keeps the length; the released one pads by twice as much and cuts it off."""

    def __init__(self, before: int, kernel: int, dilation: int):
        super().__init__()
        padding = (kernel - 1) * dilation // 2
        self.net = nn.Sequential(
            nn.Conv1d(before, _BRANCH, kernel, padding=padding, dilation=dilation), nn.BatchNorm1d(_BRANCH), nn.SiLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class _Layer(nn.Module):
    """Two rows of branches, one for each kernel, and a shortcut: `before` channels -> 384."""

    def __init__(self, before: int, dilation: int):
        super().__init__()
        for number, kernel in enumerate(_KERNELS):
            self.add_module(f"cbcr0_se_{number}", _Excitation(before))
            self.add_module(f"cbcr0_{number}", _Branch(before, kernel, dilation))
            self.add_module(f"cbcr1_{number}", _Branch(_GROWTH, kernel, dilation))
        self.downsample = nn.Conv1d(before, _GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        numbers = range(len(_KERNELS))
        first = torch.cat([getattr(self, f"cbcr0_{n}")(getattr(self, f"cbcr0_se_{n}")(x)) for n in numbers], dim=1)
        second = torch.cat([getattr(self, f"cbcr1_{n}")(first) for n in numbers], dim=1)
        return F.silu(second + self.downsample(x))


class _Block(nn.Module):
    """Three layers, each of which sees the input and the outputs of those before it."""

    def __init__(self):
        super().__init__()
        for number, dilation in enumerate(_DILATIONS):
            self.add_module(f"denselayer{number + 1}", _Layer(_REDUCED + number * _GROWTH, dilation))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


def _transition(before: int, rectifier: str) -> nn.Sequential:
    """To 512 channels; rectifier: the first one's is learnt (prelu), the others' is swish."""
    made = nn.Sequential()
    made.add_module("conv", nn.Conv1d(before, _REDUCED, 1, bias=False))
    made.add_module("norm", nn.BatchNorm1d(_REDUCED))
    made.add_module(rectifier, nn.PReLU(_REDUCED) if rectifier == "prelu" else nn.SiLU())
    return made


class _Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        wide = _REDUCED + len(_DILATIONS) * _GROWTH
        self.features = nn.Sequential()
        for number in range(_BLOCKS):
            transition = _transition(FEATURES, "prelu") if number == 0 else _transition(wide, "swish")
            self.features.add_module(f"transition{number}", transition)
            self.features.add_module(f"denseblock{number + 1}", _Block())
        self.features.add_module("norm5", nn.BatchNorm1d(wide))


class _Temporal(nn.Module):
    """Features `[N, 512, T]` -> scores of the words `[N, 500]`."""

    def __init__(self):
        super().__init__()
        self.tcn_trunk = _Trunk()
        self.tcn_output = nn.Linear(_REDUCED + len(_DILATIONS) * _GROWTH, len(LRW_WORDS))

    def forward(self, x: Tensor) -> Tensor:
        return self.tcn_output(self.tcn_trunk.features(x).mean(dim=2))


def dctcn() -> WordNetwork:
    """The network, 52.5 million parameters."""
    return WordNetwork(_Temporal())
