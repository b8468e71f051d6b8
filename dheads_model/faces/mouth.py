"""Crops of the mouth from aligned frames."""

import cv2
import numpy as np

from dheads_model.faces.landmarks import MOUTH, eye_distance

MOUTH_HEIGHT, MOUTH_WIDTH = 32, 48
# Pixels kept around the mouth crop, for random shifts in training.
MARGIN = 2
# Width of the crop in eye distances: lips, some cheek and chin, no nose.
_WIDTH_IN_EYE_DISTANCES = 1.63


def cut_mouths(frames: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Mouth crops uint8 `[T, 36, 52]` of aligned frames uint8 RGB `[T, S, S, 3]` with landmarks `[T, 68, 2]` in pixels.

    One box for the whole clip, because the face is aligned: a box per frame would remove the lips' motion and add the
    detector's jitter. Centre and size are the medians of the lips' centre and of the eye distance.
    """
    centre = np.median(landmarks[:, MOUTH].mean(axis=1), axis=0)
    scale = MOUTH_WIDTH / (_WIDTH_IN_EYE_DISTANCES * float(np.median(eye_distance(landmarks))))
    size = np.array([MOUTH_WIDTH + 2 * MARGIN, MOUTH_HEIGHT + 2 * MARGIN])
    matrix = np.column_stack([scale * np.eye(2), (size - 1) / 2 - scale * centre])
    return np.stack([
        cv2.warpAffine(
            cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), matrix, tuple(map(int, size)), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for frame in frames
    ])  # fmt: skip


def crop_mouths(mouths: np.ndarray, down: int = 0, right: int = 0) -> np.ndarray:
    """Mouth crops `[T, 32, 48]` of `[T, 36, 52]` without the margin, shifted by at most MARGIN pixels."""
    return mouths[:, MARGIN + down :, MARGIN + right :][:, :MOUTH_HEIGHT, :MOUTH_WIDTH]
