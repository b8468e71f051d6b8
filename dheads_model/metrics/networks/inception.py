"""The Inception of FID and KID: TF-Slim's Inception-v3 of 2015-12-05 with 1008 classes, as pytorch-fid releases it.

It is not torchvision's: the pools of the branches in its A, C and first E blocks do not count the padding, the last E block
takes the maximum, and there are 1008 classes. Szegedy et al. 2016, sec. 6; weights: config/weights.tsv, Apache-2.0.

Preprocessing is part of a metric's name, for each gives other numbers:
- `pytorch_fid`: bilinear to 299 (half-pixel centres, not antialiased) of x / 255, then 2 x - 1;
- `tf1`: bilinear to 299 as TensorFlow 1 (no half-pixel centres) of 0..255, then (x - 128) / 128: torch-fidelity's, TTUR's;
- `clean`: Pillow's bicubic to 299, antialiased where it shrinks, of each colour as float, cut to 0..255, then (x - 128) / 128:
  clean-fid's (Parmar et al. 2022). Its network is this one as a TorchScript of other layout.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.metrics.networks.strict import fill, in_batches, read_state
from dheads_model.weights import Weights

FEATURES = 2048
SIDE = 299
WEIGHTS_NAME = "weights-inception-2015-12-05-6726825d.pth"
VARIANTS = ("pytorch_fid", "tf1", "clean")
_AT_ONCE = 8


class _Conv(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, before: int, after: int, kernel, stride: int = 1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


class _BlockA(nn.Module):
    def __init__(self, before: int, pooled: int):
        super().__init__()
        self.branch1x1 = _Conv(before, 64, 1)
        self.branch5x5_1, self.branch5x5_2 = _Conv(before, 48, 1), _Conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = _Conv(before, 64, 1), _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, padding=1)
        self.branch_pool = _Conv(before, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat(
            [self.branch1x1(x), self.branch5x5_2(self.branch5x5_1(x)), double, self.branch_pool(_average(x))], 1
        )


class _BlockB(nn.Module):
    def __init__(self, before: int):
        super().__init__()
        self.branch3x3 = _Conv(before, 384, 3, 2)
        self.branch3x3dbl_1, self.branch3x3dbl_2 = _Conv(before, 64, 1), _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, stride=2)], 1)


class _BlockC(nn.Module):
    def __init__(self, before: int, narrow: int):
        super().__init__()
        row, column = {"kernel": (1, 7), "padding": (0, 3)}, {"kernel": (7, 1), "padding": (3, 0)}
        self.branch1x1 = _Conv(before, 192, 1)
        self.branch7x7_1 = _Conv(before, narrow, 1)
        self.branch7x7_2, self.branch7x7_3 = _Conv(narrow, narrow, **row), _Conv(narrow, 192, **column)
        self.branch7x7dbl_1 = _Conv(before, narrow, 1)
        self.branch7x7dbl_2, self.branch7x7dbl_3 = _Conv(narrow, narrow, **column), _Conv(narrow, narrow, **row)
        self.branch7x7dbl_4, self.branch7x7dbl_5 = _Conv(narrow, narrow, **column), _Conv(narrow, 192, **row)
        self.branch_pool = _Conv(before, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return torch.cat([self.branch1x1(x), single, double, self.branch_pool(_average(x))], 1)


class _BlockD(nn.Module):
    def __init__(self, before: int):
        super().__init__()
        self.branch3x3_1, self.branch3x3_2 = _Conv(before, 192, 1), _Conv(192, 320, 3, 2)
        self.branch7x7x3_1 = _Conv(before, 192, 1)
        self.branch7x7x3_2 = _Conv(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = _Conv(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = _Conv(192, 192, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, F.max_pool2d(x, 3, stride=2)], 1)


class _BlockE(nn.Module):
    """takes_maximum: of the last one alone."""

    def __init__(self, before: int, takes_maximum: bool):
        super().__init__()
        self.branch1x1 = _Conv(before, 320, 1)
        self.branch3x3_1 = _Conv(before, 384, 1)
        self.branch3x3_2a, self.branch3x3_2b = self._pair()
        self.branch3x3dbl_1, self.branch3x3dbl_2 = _Conv(before, 448, 1), _Conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a, self.branch3x3dbl_3b = self._pair()
        self.branch_pool = _Conv(before, 192, 1)
        self.pool = _maximum if takes_maximum else _average

    @staticmethod
    def _pair() -> tuple[_Conv, _Conv]:
        return _Conv(384, 384, (1, 3), padding=(0, 1)), _Conv(384, 384, (3, 1), padding=(1, 0))

    def forward(self, x: Tensor) -> Tensor:
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return torch.cat(
            [
                self.branch1x1(x), self.branch3x3_2a(single), self.branch3x3_2b(single), self.branch3x3dbl_3a(double),
                self.branch3x3dbl_3b(double), self.branch_pool(self.pool(x)),
            ], 1,
        )  # fmt: skip


class FIDInception(nn.Module):
    """Images `[N, 3, 299, 299]` of -1 .. 1 -> features `[N, 2048]` of the last pool. Module names are those of the weights."""

    def __init__(self):
        super().__init__()
        self.Conv2d_1a_3x3, self.Conv2d_2a_3x3 = _Conv(3, 32, 3, 2), _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1, self.Conv2d_4a_3x3 = _Conv(64, 80, 1), _Conv(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _BlockA(192, 32), _BlockA(256, 64), _BlockA(288, 64)
        self.Mixed_6a = _BlockB(288)
        self.Mixed_6b, self.Mixed_6c = _BlockC(768, 128), _BlockC(768, 160)
        self.Mixed_6d, self.Mixed_6e = _BlockC(768, 160), _BlockC(768, 192)
        self.Mixed_7a = _BlockD(768)
        self.Mixed_7b, self.Mixed_7c = _BlockE(1280, takes_maximum=False), _BlockE(2048, takes_maximum=True)
        self.fc = nn.Linear(FEATURES, 1008)

    def forward(self, x: Tensor) -> Tensor:
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, stride=2)))
        x = F.max_pool2d(x, 3, stride=2)
        for name in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            x = getattr(self, f"Mixed_{name}")(x)
        return x.mean(dim=(2, 3))


def open_inception(folder: Path | str, weights: Weights) -> FIDInception:
    """The network with the released weights in `folder`; raises UserError when they are missing or other ones."""
    return fill(FIDInception(), read_state(Path(folder, weights.name), weights), weights.name)


def prepare(frames: np.ndarray, variant: str) -> Tensor:
    """Frames uint8 RGB `[N, H, W, 3]` -> network input `[N, 3, 299, 299]` of about -1 .. 1, as the variant has it."""
    images = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
    if variant == "pytorch_fid":
        return 2 * F.interpolate(images / 255, size=(SIDE, SIDE), mode="bilinear", align_corners=False) - 1
    if variant == "tf1":
        return (resize_as_tensorflow_1(images, SIDE) - 128) / 128
    if variant == "clean":
        return (
            torch.from_numpy(np.stack([resize_as_clean_fid(frame, SIDE) for frame in frames])).permute(0, 3, 1, 2) - 128
        ) / 128
    raise UserError(f"FID variant {variant!r} is unknown; it must be one of {', '.join(VARIANTS)}.")


def resize_as_clean_fid(frame: np.ndarray, side: int) -> np.ndarray:
    """A frame uint8 RGB `[H, W, 3]` to float32 `[side, side, 3]` of 0 .. 255, never rounded to whole numbers in between."""
    colours = [Image.fromarray(frame[..., colour].astype(np.float32)) for colour in range(3)]
    resized = [np.asarray(one.resize((side, side), Image.Resampling.BICUBIC)) for one in colours]
    return np.stack(resized, axis=2).clip(0, 255)


def resize_as_tensorflow_1(images: Tensor, side: int) -> Tensor:
    """Images `[N, C, H, W]` to `[N, C, side, side]`, bilinear between the pixels at i * H / side: no half-pixel centres."""
    return _resize_axis(_resize_axis(images, side, 3), side, 2)


def _resize_axis(images: Tensor, side: int, axis: int) -> Tensor:
    length = images.shape[axis]
    # float32 as TensorFlow has it: with 128 to 299 pixels some places are just above or below a whole number.
    place = torch.arange(side, dtype=torch.float32) * torch.tensor(length / side, dtype=torch.float32)
    lower = place.floor().long().clamp(max=length - 1)
    upper = (lower + 1).clamp(max=length - 1)
    share = (place - lower).view(-1, *[1] * (images.dim() - 1 - axis))
    first, second = images.index_select(axis, lower), images.index_select(axis, upper)
    return first + (second - first) * share


def frame_features(network: FIDInception, frames: np.ndarray, variant: str) -> np.ndarray:
    """Features float32 `[N, 2048]` of frames uint8 RGB `[N, H, W, 3]`, a few at a time."""
    starts = range(0, len(frames), _AT_ONCE)
    parts = [in_batches(network, prepare(frames[start : start + _AT_ONCE], variant), _AT_ONCE) for start in starts]
    return torch.cat(parts).numpy()
