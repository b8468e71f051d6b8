"""Landmarks found again in the crops, for data whose tracking was coarse."""

from dataclasses import dataclass

import cv2
import numpy as np

from dheads_model.faces.detect import open_detector

_UPSCALE = 3  # the detectors were trained on faces larger than those of a 128 pixel crop


@dataclass(frozen=True)
class RedetectSettings:
    """The config block `landmark`; the schema describes each key."""

    redetect: bool


def redetect(crops: np.ndarray, placed: np.ndarray, backend: str, weights_folder) -> tuple[np.ndarray, int]:
    """(landmarks float32 `[T, 68, 2]` found in crops uint8 `[T, S, S, 3]`, number of frames found).

    Frames in which nothing is found keep `placed`.
    """
    found, seen = detect_in_crops(crops, backend, weights_folder)
    return np.where(seen[:, None, None], found, placed).astype(np.float32), int(seen.sum())


def detect_in_crops(
    crops: np.ndarray, backend: str = "mediapipe", weights_folder="resources/weights", precision: str = "float32"
) -> tuple[np.ndarray, np.ndarray]:
    """(landmarks float32 `[T, 68, 2]` in pixels of the crops, seen bool `[T]`); unseen frames hold NaN.

    backend, precision: see `open_detector`.
    """
    large = (cv2.resize(crop, None, fx=_UPSCALE, fy=_UPSCALE, interpolation=cv2.INTER_CUBIC)[None] for crop in crops)
    found = np.full((len(crops), 68, 2), np.nan, dtype=np.float32)
    for index, faces in enumerate(open_detector(backend, 1, weights_folder, precision)(large)):
        if faces:
            # Pixel centres: x + 0.5 = (x_large + 0.5) / scale.
            found[index] = (faces[0] + 0.5) / _UPSCALE - 0.5
    return found, ~np.isnan(found[:, 0, 0])
