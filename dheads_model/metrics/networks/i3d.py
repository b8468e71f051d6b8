"""I3D (Carreira & Zisserman 2017, fig. 3) learnt on Kinetics-400: 400 logits of a short clip, the features of FVD.

Two forms: `I3D`, whose module names are those of the released state dicts (piergiaj's layout), and StyleGAN-V's TorchScript
file, which Laughing-Matters and hence the paper used (config/weights.tsv). Input of both: 224 x 224 pixels by bilinear
interpolation without antialiasing, -1 .. 1. Clip length and distance of the frames change the value: they must stand beside it.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.metrics.networks.strict import fill, in_batches, read_script, read_state
from dheads_model.weights import Weights

FEATURES = 400
SIDE = 224
LEAST_FRAMES = 9  # fewer leave the last pool, of 2 frames, nothing
WEIGHTS_NAME = "i3d_torchscript.pt"
_AT_ONCE = 2
# channels of the branches b0, b1a, b1b, b2a, b2b, b3b
_MODULES = {
    "3b": (64, 96, 128, 16, 32, 32), "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64), "4c": (160, 112, 224, 24, 64, 64), "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64), "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128), "5c": (384, 192, 384, 48, 128, 128),
}  # fmt: skip


def _pad_same(x: Tensor, kernel: tuple, stride: tuple) -> Tensor:
    """Zeros around `[N, C, T, H, W]` as TensorFlow's SAME puts them: the odd one at the end. No value here is below 0 in a pool."""
    widths = []
    for size, length, step in reversed(list(zip(x.shape[2:], kernel, stride, strict=True))):
        total = max((-(-size // step) - 1) * step + length - size, 0)
        widths += [total // 2, total - total // 2]
    return F.pad(x, widths)


def _pool(x: Tensor, kernel: tuple, stride: tuple) -> Tensor:
    return F.max_pool3d(_pad_same(x, kernel, stride), kernel, stride)


class _Unit(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, before: int, after: int, size: int, step: int = 1):
        super().__init__()
        self.conv3d = nn.Conv3d(before, after, size, step, bias=False)
        self.bn = nn.BatchNorm3d(after, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv3d(_pad_same(x, self.conv3d.kernel_size, self.conv3d.stride))))


class _Module(nn.Module):
    """Four branches side by side: 1, 1 then 3, 1 then 3, pool then 1."""

    def __init__(self, before: int, channels: tuple):
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3b = channels
        self.b0 = _Unit(before, b0, 1)
        self.b1a, self.b1b = _Unit(before, b1a, 1), _Unit(b1a, b1b, 3)
        self.b2a, self.b2b = _Unit(before, b2a, 1), _Unit(b2a, b2b, 3)
        self.b3b = _Unit(before, b3b, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = _pool(x, (3, 3, 3), (1, 1, 1))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], 1)


class _Logits(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv3d = nn.Conv3d(1024, FEATURES, 1)


class I3D(nn.Module):
    """Clips `[N, 3, T, 224, 224]` of -1 .. 1, T at least 9 -> logits `[N, 400]`, averaged over time."""

    def __init__(self):
        super().__init__()
        self.Conv3d_1a_7x7 = _Unit(3, 64, 7, 2)
        self.Conv3d_2b_1x1, self.Conv3d_2c_3x3 = _Unit(64, 64, 1), _Unit(64, 192, 3)
        before = 192
        for name, channels in _MODULES.items():
            self.add_module(f"Mixed_{name}", _Module(before, channels))
            before = channels[0] + channels[2] + channels[4] + channels[5]
        self.logits = _Logits()

    def forward(self, x: Tensor) -> Tensor:
        x = _pool(self.Conv3d_1a_7x7(x), (1, 3, 3), (1, 2, 2))
        x = _pool(self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x)), (1, 3, 3), (1, 2, 2))
        pools = {"4b": ((3, 3, 3), (2, 2, 2)), "5b": ((2, 2, 2), (2, 2, 2))}
        for name in _MODULES:
            if name in pools:
                x = _pool(x, *pools[name])
            x = getattr(self, f"Mixed_{name}")(x)
        return self.logits.conv3d(F.avg_pool3d(x, (2, 7, 7), stride=1)).flatten(2).mean(dim=2)


def open_i3d(folder: Path | str, weights: Weights) -> I3D:
    """The own network with a released state dict from `folder`; raises UserError when the file is missing or another one."""
    return fill(I3D(), read_state(Path(folder, weights.name), weights), weights.name)


def open_i3d_script(folder: Path | str, weights: Weights) -> torch.jit.ScriptModule:
    """StyleGAN-V's TorchScript network from `folder`; raises UserError when the file is missing or another one."""
    return read_script(Path(folder, weights.name), weights)


def window_frames(frames: int, length: int, stride: int, windows: int = 1) -> np.ndarray:
    """Positions `[windows, length]` of frames `stride` apart, the windows spread evenly over a clip; one: in its middle.

    Raises UserError where the clip is too short: FVD then has no value for it, and a shorter window would be another metric.
    """
    span = (length - 1) * stride + 1
    if length < LEAST_FRAMES or stride < 1 or windows < 1:
        raise UserError(
            f"FVD clips of {length} frames, {stride} apart, {windows} a video: they need at least {LEAST_FRAMES} frames, "
            "a stride and a number of 1."
        )
    if frames < span:
        raise UserError(f"FVD takes {length} frames {stride} apart, that is {span}, and the clip has {frames}.")
    room = frames - span
    starts = np.rint(np.linspace(0, room, windows)).astype(int) if windows > 1 else np.array([room // 2])
    return starts[:, None] + stride * np.arange(length)


def prepare(clips: np.ndarray) -> Tensor:
    """Clips uint8 RGB `[N, T, H, W, 3]` -> network input `[N, 3, T, 224, 224]` of -1 .. 1."""
    n, t = clips.shape[:2]
    images = torch.from_numpy(np.ascontiguousarray(clips)).flatten(0, 1).permute(0, 3, 1, 2).float()
    images = F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False) / 127.5 - 1
    return images.unflatten(0, (n, t)).transpose(1, 2)


def clip_features(network: I3D, clips: np.ndarray) -> np.ndarray:
    """Logits float32 `[N, 400]` of clips uint8 RGB `[N, T, H, W, 3]`, a few at a time."""
    return torch.cat([in_batches(network, prepare(some), _AT_ONCE) for some in _few(clips)]).numpy()


def script_features(script, clips: np.ndarray) -> np.ndarray:
    """Features float32 `[N, 400]` of such clips by the TorchScript, which resizes and rescales by itself: it is given 0 .. 255."""
    parts = []
    for some in _few(clips):
        given = torch.from_numpy(np.ascontiguousarray(some)).permute(0, 4, 1, 2, 3).float()
        parts.append(
            in_batches(lambda one: script(one, rescale=True, resize=True, return_features=True), given, _AT_ONCE)
        )
    return torch.cat(parts).numpy()


def _few(clips: np.ndarray) -> list[np.ndarray]:
    return [clips[start : start + _AT_ONCE] for start in range(0, len(clips), _AT_ONCE)]
