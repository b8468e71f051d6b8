"""Blinks by the counter that the paper's authors name (DinoMan/blink-detector): dlib's landmarks and its rule."""

import cv2
import numpy as np

from dheads_model.faces.dlib_predictor import FindBox, FindPoints
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics.blinks import find_blinks
from dheads_model.metrics.measurement import Measurement, refuse
from dheads_model.metrics.signals import eye_aspect_ratio

PUBLISHED_BLINKS = ("blinks_per_second_published", "blink_duration_published")
# The published sampler saves its videos at twice the model's size, and dlib finds no face under 80 pixels.
ENLARGED = 2


def measure_published_blinks(frames: np.ndarray, find_box: FindBox, find_points: FindPoints) -> list[Measurement]:
    """Blinks per second and their mean duration in seconds of a video uint8 `[T, H, W, 3]` at 25 frames/s."""
    ratio = published_eye_ratio(frames, find_box, find_points)
    if len(ratio) < 3 or not ratio.any():
        reason = "fewer than 3 frames" if len(ratio) < 3 else "dlib finds no face"
        return [refuse(name, reason) for name in PUBLISHED_BLINKS]
    found = find_blinks(ratio)
    rate = Measurement(PUBLISHED_BLINKS[0], len(found) * FRAMES_PER_SECOND / len(frames))
    if not found:
        return [rate, refuse(PUBLISHED_BLINKS[1], "no blink")]
    frames_shut = float(np.mean([last - first for first, last in found]))
    return [rate, Measurement(PUBLISHED_BLINKS[1], frames_shut / FRAMES_PER_SECOND)]


def published_eye_ratio(frames: np.ndarray, find_box: FindBox, find_points: FindPoints) -> np.ndarray:
    """Eye aspect ratio `[T]`. A frame without a detected face uses the last frame's box; 0 before the first face."""
    ratios, box = [], None
    for frame in frames:
        large = cv2.resize(frame, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_LINEAR)
        found = find_box(large)
        box = box if found is None else found
        ratios.append(0.0 if box is None else float(eye_aspect_ratio(find_points(large, box)[None])[0]))
    return np.array(ratios)
