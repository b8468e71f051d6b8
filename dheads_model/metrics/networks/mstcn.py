"""The word reader of Martinez et al. 2020: multi-scale temporal convolutions behind a ResNet-18.

Module names are those of `lrw_resnet18_mstcn_video.pth` (configuration lrw_resnet18_mstcn; 88.9 % of LRW's test words by its
authors).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.metrics.lrw_words import LRW_WORDS
from dheads_model.metrics.networks.word_network import FEATURES, WordNetwork

_KERNELS = (3, 5, 7)
_WIDTH = 256  # channels of a branch


class _Branch(nn.Module):
    """A dilated convolution over time that keeps the length; the released one pads by twice as much and cuts it off."""

    def __init__(self, before: int, kernel: int, dilation: int):
        super().__init__()
        self.conv = nn.Conv1d(before, _WIDTH, kernel, padding=(kernel - 1) * dilation // 2, dilation=dilation)
        self.batchnorm = nn.BatchNorm1d(_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.batchnorm(self.conv(x)))


class _Level(nn.Module):
    """Two rows of branches, one for each kernel, and a shortcut."""

    def __init__(self, before: int, dilation: int):
        super().__init__()
        after = _WIDTH * len(_KERNELS)
        for number, kernel in enumerate(_KERNELS):
            self.add_module(f"cbcr0_{number}", _Branch(before, kernel, dilation))
            self.add_module(f"cbcr1_{number}", _Branch(after, kernel, dilation))
        self.downsample = nn.Conv1d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self._row(1, self._row(0, x)) + self.downsample(x))

    def _row(self, number: int, x: Tensor) -> Tensor:
        return torch.cat([getattr(self, f"cbcr{number}_{branch}")(x) for branch in range(len(_KERNELS))], dim=1)


class _Levels(nn.Module):
    def __init__(self):
        super().__init__()
        after = _WIDTH * len(_KERNELS)
        self.network = nn.Sequential(*(_Level(FEATURES if level == 0 else after, 2**level) for level in range(4)))


class _Temporal(nn.Module):
    """Features `[N, 512, T]` -> scores of the words `[N, 500]`."""

    def __init__(self):
        super().__init__()
        self.mb_ms_tcn = _Levels()
        self.tcn_output = nn.Linear(_WIDTH * len(_KERNELS), len(LRW_WORDS))

    def forward(self, x: Tensor) -> Tensor:
        return self.tcn_output(self.mb_ms_tcn.network(x).mean(dim=2))


def mstcn() -> WordNetwork:
    """The network, 36.4 million parameters."""
    return WordNetwork(_Temporal())
