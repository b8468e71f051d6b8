"""Landmark detection in the crops, for data with coarse tracking and for metrics."""

import contextlib
import itertools

import cv2
import numpy as np

from dheads_model.faces.detect import open_detector

# Frames that a detector needs to converge. MediaPipe starts from the face's position in the previous frame: the landmarks
# of a new crop have an error of half a pixel to a pixel, after ten repetitions of some hundredths.
WARM_UP = {"mediapipe": 10, "face-alignment": 0}
# Root mean square difference, in levels of 0..255, up to which frames are equal except for this project's video encoder:
# of 100 real faces, frozen frames had at most 0.34, the clip with the least motion 5.8.
ENCODER_NOISE = 0.5
_UPSCALE = 3  # the detectors were trained on faces larger than those of a 128 pixel crop


def redetect(crops: np.ndarray, placed: np.ndarray, backend: str, weights_folder) -> tuple[np.ndarray, int]:
    """(landmarks float32 `[T, 68, 2]` found in crops uint8 `[T, S, S, 3]`, number of frames found).

    Frames without a detection keep `placed`.
    """
    found, seen = detect_in_crops(crops, backend, weights_folder)
    return np.where(seen[:, None, None], found, placed).astype(np.float32), int(seen.sum())


def detect_in_crops(
    crops: np.ndarray, backend: str = "mediapipe", weights_folder="resources/weights", precision: str = "float32"
) -> tuple[np.ndarray, np.ndarray]:
    """(landmarks float32 `[T, 68, 2]` in pixels of the crops, detected bool `[T]`); NaN in frames without a detection.

    backend, precision: see `open_detector`. The detector first gets the first frame several times, so that it
    converges; a video of equal frames has the same landmarks in every frame.
    """
    different = crops[:1] if is_one_picture(crops) else crops
    shown = itertools.chain(itertools.repeat(different[0], WARM_UP[backend]), different)
    large = (cv2.resize(crop, None, fx=_UPSCALE, fy=_UPSCALE, interpolation=cv2.INTER_CUBIC)[None] for crop in shown)
    found = np.full((len(crops), 68, 2), np.nan, dtype=np.float32)
    with contextlib.closing(open_detector(backend, 1, weights_folder, precision)) as detector:
        for index, faces in enumerate(itertools.islice(detector(large), WARM_UP[backend], None)):
            if faces:
                # Pixel centres: x + 0.5 = (x_large + 0.5) / scale.
                found[index] = (faces[0] + 0.5) / _UPSCALE - 0.5
    found[len(different) :] = found[0]
    return found, ~np.isnan(found[:, 0, 0])


def is_one_picture(frames: np.ndarray) -> bool:
    """Whether no frame uint8 `[T, H, W, 3]` differs from the first by more than an encoder changes equal frames."""
    first = frames[0].astype(np.float32)
    return all(np.sqrt(((frame - first) ** 2).mean()) <= ENCODER_NOISE for frame in frames)
