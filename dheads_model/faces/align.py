"""Alignment to the mean face: a similarity transform for each output frame, smoothed over time.

Mean-face coordinates are pixels of a 256 x 256 image. The five stable points of the mean face are those of the
lip-reading and speech-driven-animation pipelines.
"""

import numpy as np

from dheads_model.faces.align_settings import AlignSettings
from dheads_model.faces.landmarks import STABLE

MEAN_FACE_SIZE = 256
# Points 33, 36, 39, 42, 45: nose base, then the eye corners from left to right of the image.
MEAN_FACE_STABLE = np.array([[128.9, 137.3], [92.5, 94.4], [112.8, 94.9], [145.5, 94.5], [166.7, 93.6]])
# Centre between the eyes, and distance of the eye centres, of the whole mean face.
MEAN_FACE_EYES = np.array([(102.1 + 156.4) / 2, (94.3 + 93.6) / 2])
MEAN_FACE_EYE_DISTANCE = 54.3


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares similarity `[2, 3]` from points `[N, 2]` to points: scale, rotation, shift (Umeyama 1991, eq. 40-42).

    Raises ValueError when the source points coincide.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    x, y = source - source_mean, target - target_mean
    spread = float((x**2).sum())
    if spread == 0:
        raise ValueError("the points to align coincide")
    # In the plane the best rotation and scale are the complex number sum(conj(x) y) / sum |x|^2.
    a = float((x * y).sum()) / spread
    b = float((x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0]).sum()) / spread
    linear = np.array([[a, -b], [b, a]])
    return np.column_stack([linear, target_mean - linear @ source_mean])


def smooth(points: np.ndarray, window: int, direction: str) -> np.ndarray:
    """Moving mean over time of points `[T, ...]`.

    symmetric: over window // 2 frames on both sides, fewer at the ends. forward: over frames t .. t + window - 1; the
    last window - 1 frames have the last full mean (DinoMan/face-processor). Raises ValueError for another direction.
    """
    count = len(points)
    if direction == "symmetric":
        half = window // 2
        starts = np.maximum(np.arange(count) - half, 0)
        ends = np.minimum(np.arange(count) + half + 1, count)
    elif direction == "forward":
        starts = np.minimum(np.arange(count), max(count - window, 0))
        ends = np.minimum(starts + window, count)
    else:
        raise ValueError(f"direction is {direction!r}; it must be symmetric or forward")
    sums = np.concatenate([np.zeros_like(points[:1], dtype=np.float64), np.cumsum(points, axis=0, dtype=np.float64)])
    lengths = (ends - starts).reshape(-1, *[1] * (points.ndim - 1))
    return (sums[ends] - sums[starts]) / lengths


def align_track(landmarks: np.ndarray, settings: AlignSettings) -> np.ndarray:
    """Transforms float64 `[T, 2, 3]` from source pixels to mean-face coordinates, from landmarks `[T, 68, 2]`."""
    stable = smooth(landmarks[:, STABLE].astype(np.float64), settings.window, settings.direction)
    return np.stack([similarity(points, MEAN_FACE_STABLE) for points in stable])


def whole_picture(count: int, width: int, height: int) -> np.ndarray:
    """Transforms float64 `[count, 2, 3]` from a whole frame to the square of mean-face coordinates."""
    x, y = MEAN_FACE_SIZE / width, MEAN_FACE_SIZE / height
    # Pixel centres: x_new + 0.5 = (x + 0.5) * scale.
    matrix = np.array([[x, 0, 0.5 * x - 0.5], [0, y, 0.5 * y - 0.5]])
    return np.repeat(matrix[None], count, axis=0)


def apply(matrices: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transform points `[..., N, 2]` by matrices `[..., 2, 3]`."""
    return points @ np.swapaxes(matrices[..., :2], -1, -2) + matrices[..., None, :, 2]
