"""Curves over the frames of a clip that metrics and pictures are made from, and how mouth and sound go together."""

import numpy as np

from dheads_model.faces.landmarks import LEFT_EYE, RIGHT_EYE, eye_distance
from dheads_model.media.clock import SAMPLES_PER_FRAME

# Standard deviation of the mouth opening, in eye distances, that a detector reports for a still face is below this.
STILL_MOUTH = 0.004
# Frames quieter than this are as silent as the recording gets; decibels of full scale.
QUIETEST_DBFS = -60.0


def mouth_opening(landmarks: np.ndarray) -> np.ndarray:
    """Gap of the inner lips (points 62 and 66) in eye distances `[T]`, from landmarks `[T, 68, 2]`.

    The eye distance is the clip's median, so that a blink does not open the mouth.
    """
    gap = np.linalg.norm(landmarks[:, 66] - landmarks[:, 62], axis=1)
    return gap / np.median(eye_distance(landmarks))


def is_still(opening: np.ndarray) -> bool:
    """Whether a mouth opening `[T]` varies no more than a detector's does on a still face."""
    return bool(opening.std() < STILL_MOUTH)


def eye_aspect_ratio(landmarks: np.ndarray) -> np.ndarray:
    """Height over width of the eyes, mean of both, `[T]` (Soukupova and Cech 2016, equation 1)."""
    ratios = []
    for eye in (RIGHT_EYE, LEFT_EYE):
        p = landmarks[:, eye]
        heights = np.linalg.norm(p[:, 1] - p[:, 5], axis=1) + np.linalg.norm(p[:, 2] - p[:, 4], axis=1)
        ratios.append(heights / (2 * np.linalg.norm(p[:, 0] - p[:, 3], axis=1)))
    return np.mean(ratios, axis=0)


def loudness(audio: np.ndarray) -> np.ndarray:
    """Loudness of each frame's 40 ms in decibels of full scale, at least QUIETEST_DBFS, `[T]` from int16 `[640 T]`."""
    frames = audio.astype(np.float64).reshape(-1, SAMPLES_PER_FRAME) / 32768
    power = np.maximum((frames**2).mean(axis=1), 10 ** (QUIETEST_DBFS / 10))
    return 10 * np.log10(power)


def mouth_audio_correlation(opening: np.ndarray, level: np.ndarray) -> float | None:
    """Pearson correlation of mouth opening `[T]` and loudness `[T]` at no lag, -1..1.

    0 for a mouth that does not move: it does not follow the sound. None for sound that does not vary.
    """
    if level.std() < 1e-6 or len(level) < 3:
        return None
    if is_still(opening):
        return 0.0
    return float(np.corrcoef(opening, level)[0, 1])


def mouth_audio_lag(opening: np.ndarray, level: np.ndarray, farthest: int = 5) -> int | None:
    """Frames by which the mouth comes after the sound where they correlate best, within +-farthest; None as above or still."""
    if level.std() < 1e-6 or is_still(opening) or len(level) < 3 * farthest:
        return None
    lags = np.arange(-farthest, farthest + 1)
    values = [_correlation(*_shifted(opening, level, lag)) for lag in lags]
    return int(lags[int(np.argmax(values))])


def head_motion(landmarks: np.ndarray) -> float:
    """How much the head moves: standard deviation over the clip of the face's place, size and tilt, in eye distances.

    The root of the summed variances of the eyes' centre (x, y), the eye distance and the tilt times the distance; a
    frozen head gives about 0. Landmarks `[T, 68, 2]`.
    """
    right, left = landmarks[:, RIGHT_EYE].mean(axis=1), landmarks[:, LEFT_EYE].mean(axis=1)
    across = left - right
    distance = np.linalg.norm(across, axis=1)
    tilt = np.arctan2(across[:, 1], across[:, 0])
    nose = landmarks[:, 30]
    scale = np.median(distance)
    parts = [nose[:, 0] / scale, nose[:, 1] / scale, distance / scale, tilt]
    return float(np.sqrt(sum(np.var(part) for part in parts)))


def _shifted(opening: np.ndarray, level: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    if lag >= 0:
        return opening[lag:], level[: len(level) - lag]
    return opening[:lag], level[-lag:]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if a.std() < 1e-12 or b.std() < 1e-12:
        return -1.0
    return float(np.corrcoef(a, b)[0, 1])
