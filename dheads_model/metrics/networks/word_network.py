"""What the released word readers of Imperial College have in common: front end, input and files.

Module names are those of the state dicts to which repository mpc001/Lipreading_using_Temporal_Convolutional_Networks links;
they differ in what reads the features over time, see `mstcn.py` and `dctcn.py`. Code and weights there are for comparison
and benchmarks only, not for commercial use.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.faces.landmarks import COUNT
from dheads_model.faces.mouth_region import SIDE, mouth_regions
from dheads_model.metrics.lrw_words import LRW_WORDS
from dheads_model.metrics.networks.strict import fill, in_batches, read_state
from dheads_model.metrics.word_error import WordReader
from dheads_model.weights import Weights, check_weights

INSIDE = "model_state_dict"  # of the released file, a training's checkpoint
LEAST_FRAMES = 12  # the authors' preparation leaves shorter clips out
FEATURES = 512
_INPUT, _MEAN, _SD = 88, 0.421, 0.165


class _Block(nn.Module):
    """Two convolutions of 3 x 3 around which a shortcut leads."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        self.downsample = shortcut if stride != 1 or before != after else None

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(F.silu(self.bn1(self.conv1(x)))))
        return F.silu(inner + (x if self.downsample is None else self.downsample(x)))


class _Trunk(nn.Module):
    """Pictures `[N, 64, H, W]` -> `[N, 512]`: ResNet-18 without its first layers."""

    def __init__(self):
        super().__init__()
        for number, (before, after) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), start=1):
            stride = 1 if number == 1 else 2
            self.add_module(f"layer{number}", nn.Sequential(_Block(before, after, stride), _Block(after, after, 1)))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean(dim=(2, 3))


class WordNetwork(nn.Module):
    """Mouths `[N, 1, T, 88, 88]`, normalised -> scores `[N, 500]` before the softmax, in the order of LRW_WORDS.

    temporal: features `[N, 512, T]` -> scores.
    """

    def __init__(self, temporal: nn.Module):
        super().__init__()
        self.frontend3D = nn.Sequential(
            nn.Conv3d(1, 64, (5, 7, 7), (1, 2, 2), (2, 3, 3), bias=False),
            nn.BatchNorm3d(64),
            nn.SiLU(),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        )
        self.trunk, self.tcn = _Trunk(), temporal

    def forward(self, x: Tensor) -> Tensor:
        pictures = self.frontend3D(x)
        features = self.trunk(pictures.transpose(1, 2).flatten(0, 1))
        return self.tcn(features.unflatten(0, (len(x), -1)).transpose(1, 2))


def prepare(regions: np.ndarray) -> Tensor:
    """Mouth regions uint8 `[T, 96, 96]` -> network input `[1, 1, T, 88, 88]`: their middle, normalised."""
    edge = (SIDE - _INPUT) // 2
    middle = regions[:, edge : edge + _INPUT, edge : edge + _INPUT]
    return ((torch.from_numpy(np.ascontiguousarray(middle)).float() / 255 - _MEAN) / _SD)[None, None]


def read_mean_face(path: Path | str, weights: Weights) -> np.ndarray:
    """Landmarks float64 `[68, 2]` of the mean face, once the file is the one of `weights`; raises UserError otherwise."""
    points = np.load(check_weights(path, weights), allow_pickle=False)
    if points.shape != (COUNT, 2):
        raise UserError(f"{path} holds an array {list(points.shape)}, not the {COUNT} landmarks of a mean face.")
    return points.astype(np.float64)


def open_word_reader(folder: Path | str, network: WordNetwork, reader: Weights, mean_face: Weights) -> WordReader:
    """The reader with the released weights of `network` in `folder`; raises UserError where a file is missing or another one."""
    points = read_mean_face(Path(folder, mean_face.name), mean_face)
    fill(network, read_state(Path(folder, reader.name), reader, INSIDE), reader.name)

    def read(frames: np.ndarray, landmarks: np.ndarray) -> np.ndarray | None:
        regions = mouth_regions(frames, landmarks, points)
        return None if regions is None else in_batches(network, prepare(regions), 1)[0].numpy()

    return WordReader(LRW_WORDS, read, LEAST_FRAMES)
