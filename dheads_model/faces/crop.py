"""The square face crop: from mean-face coordinates to the picture that the model learns from."""

from dataclasses import dataclass

import cv2
import numpy as np

from dheads_model.faces.align import MEAN_FACE_EYE_DISTANCE, MEAN_FACE_EYES, MEAN_FACE_SIZE


@dataclass(frozen=True)
class CropSettings:
    """The config block `crop`; the schema describes each key. framing: as in AlignSettings; "as_distributed" takes the
    square of mean-face coordinates whole, whatever eye_distance and eyes_height say."""

    size: int
    eye_distance: float
    eyes_height: float
    format: str
    crf: int
    framing: str = "aligned"


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


def warp(frame: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Crop uint8 `[size, size, 3]` of a frame uint8 `[H, W, 3]` by a transform `[2, 3]` from its pixels.

    Outside of the frame its border is repeated. A picture that shrinks by more than half is first averaged down, since
    bilinear sampling alone would skip pixels and flicker.
    """
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink < 0.5:
        height, width = frame.shape[:2]
        factor = max(2 * shrink, 4 / min(height, width))
        small = cv2.resize(frame, (round(width * factor), round(height * factor)), interpolation=cv2.INTER_AREA)
        scale_x, scale_y = small.shape[1] / width, small.shape[0] / height
        # Pixel centres: x_small + 0.5 = (x + 0.5) * scale.
        back = np.array([[1 / scale_x, 0, 0.5 / scale_x - 0.5], [0, 1 / scale_y, 0.5 / scale_y - 0.5]])
        frame, matrix = small, chain(matrix, back)
    return cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
