"""The square face crop: from mean-face coordinates to the picture that the model learns from."""

import cv2
import numpy as np

from dheads_model.faces.align import MEAN_FACE_EYE_DISTANCE, MEAN_FACE_EYES, MEAN_FACE_SIZE
from dheads_model.faces.crop_settings import CropSettings


def framing(settings: CropSettings) -> np.ndarray:
    """Transform `[2, 3]` from mean-face coordinates to crop pixels: the eyes level, centred, at the wanted height."""
    if settings.framing == "as_distributed":
        scale = settings.size / MEAN_FACE_SIZE
        return np.column_stack([scale * np.eye(2), np.full(2, 0.5 * scale - 0.5)])
    scale = settings.eye_distance * settings.size / MEAN_FACE_EYE_DISTANCE
    eyes = np.array([0.5 * settings.size, settings.eyes_height * settings.size])
    return np.column_stack([scale * np.eye(2), eyes - scale * MEAN_FACE_EYES])


def chain(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The transform `[..., 2, 3]` that applies `first`, then `second`."""
    linear = second[..., :2] @ first[..., :2]
    shift = (second[..., :2] @ first[..., 2:])[..., 0] + second[..., 2]
    return np.concatenate([linear, shift[..., None]], axis=-1)


def halvings(matrices: np.ndarray) -> int:
    """How often pictures are halved on the way from a clip's frames to its crops, by its transforms `[T, 2, 3]`.

    As often as it takes for bilinear sampling to shrink them by half at most. One number for a whole clip, by the
    median of its frames: a face that comes nearer would otherwise turn sharper between two frames.
    """
    shrink = float(np.median(np.sqrt(np.abs(np.linalg.det(matrices[..., :2])))))
    # Rounding must not tell whether half is more than half.
    return max(int(np.ceil(-np.log2(2 * shrink) - 1e-6)), 0) if shrink > 0 else 0


def warp(frame: np.ndarray, matrix: np.ndarray, size: int, halved: int | None = None) -> np.ndarray:
    """Crop uint8 `[size, size, 3]` of a frame uint8 `[H, W, 3]` by a transform `[2, 3]` from its pixels.

    Outside of the frame its border is repeated. halved: see `halvings`, by default that of this transform; pixels are
    averaged where many become one, since bilinear sampling alone would skip some and flicker. The last halving is that
    of a crop of twice the size: bilinear sampling blurs what it hardly shrinks, and does so less before than after it.
    """
    halved = halvings(matrix[None]) if halved is None else halved
    if not halved:
        return _sample(frame, matrix, size)
    if halved > 1:
        frame, matrix = _seen_part(frame, matrix, size, 2 ** (halved - 1))
    for _ in range(halved - 1):
        if min(frame.shape[:2]) > 1:
            frame, matrix = _half(frame, matrix)
    # Pixel centres: x_large + 0.5 = 2 (x + 0.5).
    large = _sample(frame, chain(np.array([[2, 0, 0.5], [0, 2, 0.5]]), matrix), 2 * size)
    return cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)


def _sample(frame: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    return cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _half(frame: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frame with each 2 x 2 pixels averaged, and the transform from it; an odd last row or column is left out."""
    height, width = (side // 2 for side in frame.shape[:2])
    small = cv2.resize(frame[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    # Pixel centres: x + 0.5 = 2 (x_small + 0.5).
    return small, chain(matrix, np.array([[2, 0, 0.5], [0, 2, 0.5]]))


def _seen_part(frame: np.ndarray, matrix: np.ndarray, size: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """What a crop shows of a frame, and the transform from it: the rest need not be averaged.

    It is cut at multiples of `block` pixels, so that the same pixels are averaged whatever part is seen, two blocks
    beyond what is seen, since bilinear sampling reaches one further.
    """
    corners = np.array([(0, 0), (0, size), (size, 0), (size, size)]) - matrix[:, 2]
    places = np.linalg.solve(matrix[:, :2], corners.T) / block
    sides = np.array(frame.shape[1::-1])
    left, top = np.clip((np.floor(places.min(axis=1)) - 2) * block, 0, sides).astype(int)
    right, bottom = np.clip((np.ceil(places.max(axis=1)) + 2) * block, 0, sides).astype(int)
    if right - left < block or bottom - top < block:
        return frame, matrix
    return frame[top:bottom, left:right], chain(matrix, np.array([[1, 0, left], [0, 1, top]]))
