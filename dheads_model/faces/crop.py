"""The square face crop: from mean-face coordinates to the frames that the model is trained on."""

import cv2
import numpy as np

from dheads_model.faces.align import MEAN_FACE_EYE_DISTANCE, MEAN_FACE_EYES, MEAN_FACE_SIZE
from dheads_model.faces.crop_settings import CropSettings


def framing(settings: CropSettings) -> np.ndarray:
    """Transform `[2, 3]` from mean-face coordinates to crop pixels: eyes horizontal, centred, at the configured height."""
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
    """Number of times that frames are halved before the crop of a clip with transforms `[T, 2, 3]`.

    The remaining bilinear sampling shrinks by a factor of at most two. One number for a whole clip, from the median of
    its frames: otherwise the sharpness would change between two frames of an approaching face.
    """
    shrink = float(np.median(np.sqrt(np.abs(np.linalg.det(matrices[..., :2])))))
    # A tolerance, so that rounding does not decide about exactly one half.
    return max(int(np.ceil(-np.log2(2 * shrink) - 1e-6)), 0) if shrink > 0 else 0


def warp(frame: np.ndarray, matrix: np.ndarray, size: int, halved: int | None = None) -> np.ndarray:
    """Crop uint8 `[size, size, 3]` of a frame uint8 `[H, W, 3]` by a transform `[2, 3]` from its pixels.

    Outside of the frame its border is repeated. halved: see `halvings`, by default that of this transform; pixels are
    averaged before strong reduction, because bilinear sampling alone would skip pixels and flicker. The last halving is
    that of a crop of twice the size: bilinear sampling with little reduction blurs, and less so before the halving.
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
    """The frame averaged over 2 x 2 pixels, and the transform from it; an odd last row or column is dropped."""
    height, width = (side // 2 for side in frame.shape[:2])
    small = cv2.resize(frame[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
    # Pixel centres: x + 0.5 = 2 (x_small + 0.5).
    return small, chain(matrix, np.array([[2, 0, 0.5], [0, 2, 0.5]]))


def _seen_part(frame: np.ndarray, matrix: np.ndarray, size: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of a frame that is visible in a crop, and the transform from it: only this part is averaged.

    It is cut at multiples of `block` pixels, so that the same pixels are averaged for every part, with a margin of two
    blocks, because bilinear sampling needs one more.
    """
    corners = np.array([(0, 0), (0, size), (size, 0), (size, size)]) - matrix[:, 2]
    places = np.linalg.solve(matrix[:, :2], corners.T) / block
    sides = np.array(frame.shape[1::-1])
    left, top = np.clip((np.floor(places.min(axis=1)) - 2) * block, 0, sides).astype(int)
    right, bottom = np.clip((np.ceil(places.max(axis=1)) + 2) * block, 0, sides).astype(int)
    if right - left < block or bottom - top < block:
        return frame, matrix
    return frame[top:bottom, left:right], chain(matrix, np.array([[1, 0, left], [0, 1, top]]))
