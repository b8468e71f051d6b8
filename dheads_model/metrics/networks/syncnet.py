"""SyncNet (Chung & Zisserman 2016) as syncnet_python releases it: five frames and 0.2 s of audio to embeddings `[1024]`.

Module numbers are those of the released state dict, `syncnet_v2.model` (config/weights.tsv). Embeddings are not normalised.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.metrics.networks.strict import fill, in_batches, read_state
from dheads_model.metrics.published_sync import AUDIO_STEPS, STEPS_A_FRAME, WINDOW, window_count
from dheads_model.weights import Weights

FEATURES = 1024
SIDE = 224
WEIGHTS_NAME = "syncnet_v2.model"
_AT_ONCE = 8


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, FEATURES))


def _layers(convolution: type, normalisation: type, pool: type, layout: tuple) -> nn.Sequential:
    """Convolution, normalisation, ReLU for each five settings (before, after, kernel, stride, padding), a pool for each three."""
    made: list[nn.Module] = []
    for settings in layout:
        if len(settings) == 3:
            made.append(pool(*settings))
        else:
            made += [convolution(*settings), normalisation(settings[1]), nn.ReLU()]
    return nn.Sequential(*made)


_SOUND = (
    (1, 64, 3, 1, 1), (1, 1, 0),
    (64, 192, 3, 1, 1), (3, (1, 2), 0),
    (192, 384, 3, 1, 1), (384, 256, 3, 1, 1), (256, 256, 3, 1, 1), (3, 2, 0),
    (256, 512, (5, 4), 1, 0),
)  # fmt: skip
_LIPS = (
    (3, 96, (5, 7, 7), (1, 2, 2), 0), ((1, 3, 3), (1, 2, 2), 0),
    (96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1)), ((1, 3, 3), (1, 2, 2), (0, 1, 1)),
    (256, 256, (1, 3, 3), 1, (0, 1, 1)), (256, 256, (1, 3, 3), 1, (0, 1, 1)), (256, 256, (1, 3, 3), 1, (0, 1, 1)),
    ((1, 3, 3), (1, 2, 2), 0),
    (256, 512, (1, 6, 6), 1, 0),
)  # fmt: skip


class SyncNet(nn.Module):
    """`sound`: MFCC `[N, 1, 13, 20]` -> `[N, 1024]`. `lips`: five frames `[N, 3, 5, 224, 224]`, BGR 0..255 -> `[N, 1024]`."""

    def __init__(self):
        super().__init__()
        self.netcnnaud = _layers(nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, _SOUND)
        self.netfcaud, self.netfclip = _head(), _head()
        self.netcnnlip = _layers(nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, _LIPS)

    def sound(self, mfcc: Tensor) -> Tensor:
        return self.netfcaud(self.netcnnaud(mfcc).flatten(1))

    def lips(self, frames: Tensor) -> Tensor:
        return self.netfclip(self.netcnnlip(frames).flatten(1))


def open_syncnet(folder: Path | str, weights: Weights) -> SyncNet:
    """The network with the released weights in `folder`; raises UserError when they are missing or other ones."""
    return fill(SyncNet(), read_state(Path(folder, weights.name), weights), weights.name)


def embed_clip(network: SyncNet, frames: np.ndarray, mfcc: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (lips, audio) float32 `[N, 1024]` of a clip's windows, N of `window_count`.

    frames uint8 RGB `[T, H, W, 3]`, the face crop alone, at 25 frames a second: squeezed to 224 x 224 as the path for
    clips that are cropped already does. mfcc of `published_sync.mfcc` for all `samples` of audio.
    """
    count = window_count(len(frames), samples)
    if count < 1:
        raise UserError(f"SyncNet needs {WINDOW + 1} frames with audio, and the clip has {len(frames)}.")
    pictures = np.stack([cv2.resize(frame, (SIDE, SIDE))[..., ::-1] for frame in frames[: count + WINDOW - 1]])
    lips = torch.cat([in_batches(network.lips, some, len(some)) for some in _windows(pictures, count)])
    starts = STEPS_A_FRAME * np.arange(count)
    windows = np.stack([mfcc[start : start + AUDIO_STEPS].T for start in starts])[:, None]
    sound = in_batches(network.sound, torch.from_numpy(windows.astype(np.float32)), _AT_ONCE * 8)
    return lips.numpy(), sound.numpy()


def _windows(pictures: np.ndarray, count: int) -> Iterator[Tensor]:
    """Batches `[n, 3, 5, 224, 224]` of windows that begin at each frame."""
    for start in range(0, count, _AT_ONCE):
        some = [pictures[first : first + WINDOW] for first in range(start, min(start + _AT_ONCE, count))]
        yield torch.from_numpy(np.stack(some)).permute(0, 4, 1, 2, 3).float()
