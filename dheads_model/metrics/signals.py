"""Curves over the frames of a clip (mouth opening, eye aspect ratio, loudness), and their correlations and lag."""

import numpy as np
from scipy.special import ndtr

from dheads_model.faces.landmarks import LEFT_EYE, NOSE_TIP, RIGHT_EYE, eye_distance
from dheads_model.media.clock import SAMPLES_PER_FRAME

# Upper bound of the standard deviation of the mouth opening, in eye distances, by detector noise on a still face.
STILL_MOUTH = 0.004
# Lower bound of the loudness; decibels of full scale.
QUIETEST_DBFS = -60.0
# Largest lag in frames, and the significance level of a lag (false positives for unrelated curves).
FARTHEST_LAG = 5
LAG_CHANCE = 0.05


def mouth_opening(landmarks: np.ndarray) -> np.ndarray:
    """Gap of the inner lips (points 62 and 66) in eye distances `[T]`, from landmarks `[T, 68, 2]`.

    The eye distance is the clip's median, so that blinks do not affect the opening.
    """
    gap = np.linalg.norm(landmarks[:, 66] - landmarks[:, 62], axis=1)
    return gap / np.median(eye_distance(landmarks))


def is_still(opening: np.ndarray) -> bool:
    """Whether the variation of a mouth opening `[T]` is within the detector's noise on a still face."""
    return bool(opening.std() < STILL_MOUTH)


def eye_aspect_ratio(landmarks: np.ndarray) -> np.ndarray:
    """Height divided by width of the eyes, mean of both, `[T]` (Soukupova and Cech 2016, equation 1)."""
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
    """Pearson correlation of mouth opening `[T]` and loudness `[T]` at lag 0, -1..1.

    0 for a mouth that does not move. None if the loudness is constant.
    """
    if level.std() < 1e-6 or len(level) < 3:
        return None
    if is_still(opening):
        return 0.0
    return float(np.corrcoef(opening, level)[0, 1])


def mouth_truth_correlation(opening: np.ndarray, truth: np.ndarray) -> float | None:
    """Pearson correlation, -1..1, of the mouth opening `[T]` of a video and that of its ground truth `[T]`.

    0 for a mouth that does not move. None if the true mouth does not move.
    """
    if is_still(truth) or len(truth) < 3:
        return None
    if is_still(opening):
        return 0.0
    return float(np.corrcoef(opening, truth)[0, 1])


def mouth_audio_lag(opening: np.ndarray, level: np.ndarray, farthest: int = FARTHEST_LAG) -> tuple[int | None, str]:
    """(lag of the mouth behind the audio in frames with the highest correlation, ""), or (None, reason).

    No value for a still mouth, constant loudness, clips shorter than 3 farthest frames, a maximum at +-farthest, because
    a higher one may be beyond it, and a correlation that is not significant at the level LAG_CHANCE. The test uses
    Fisher's z with the effective number of independent frames from the curves' autocorrelations (Bartlett 1946) and a
    Bonferroni correction for the number of lags.
    """
    if level.std() < 1e-6:
        return None, "sound that does not vary"
    if is_still(opening):
        return None, "a still mouth"
    if len(level) < 3 * farthest:
        return None, f"fewer than {3 * farthest} frames"
    lags = np.arange(-farthest, farthest + 1)
    values = [_correlation(*_shifted(opening, level, lag)) for lag in lags]
    best = int(np.argmax(values))
    if best in (0, len(lags) - 1):
        return None, f"the best of {len(lags)} lags is at their edge"
    z = np.arctanh(min(values[best], 1 - 1e-9)) * np.sqrt(max(_independent_frames(opening, level) - 3, 1))
    if len(lags) * ndtr(-z) > LAG_CHANCE:
        return None, "mouth and sound correlate no better than by chance"
    return int(lags[best]), ""


def head_motion(landmarks: np.ndarray) -> float:
    """Rigid head motion: standard deviation of the head's pose over the clip, in eye distances.

    The root of the summed variances of six curves from landmarks `[T, 68, 2]` that are not affected by speech and blinks
    (eye corners and nose tip): position (mean of the corners, x and y), size (eye distance), tilt (direction of the eye
    line in radians, which equals the displacement at one eye distance), and turn and nod (position of the nose tip across
    and along the face). All in units of the clip's median eye distance, turn and nod in those of the frame, so that an
    approaching head does not count as turning. A frozen head has 0.
    """
    pose = pose_curves(landmarks)
    scale = np.median(pose["size"])
    in_pixels = ("x", "y", "size")
    parts = [curve / scale if name in in_pixels else curve for name, curve in pose.items()]
    return float(np.sqrt(sum(np.var(part.astype(np.float64)) for part in parts)))


def pose_curves(landmarks: np.ndarray) -> dict[str, np.ndarray]:
    """The head's pose in each frame, `[T]` each, from landmarks `[T, 68, 2]`: see `head_motion`.

    x, y, size: mean of the eye corners and eye distance, pixels. tilt: radians. turn, nod: of the nose tip, in the frame's
    eye distances.
    """
    right, left = landmarks[:, [36, 39]].mean(axis=1), landmarks[:, [42, 45]].mean(axis=1)
    centre, across = (right + left) / 2, left - right
    distance = np.linalg.norm(across, axis=1)
    nose, unit = landmarks[:, NOSE_TIP] - centre, across / distance[:, None]
    return {
        "x": centre[:, 0],
        "y": centre[:, 1],
        "size": distance,
        "tilt": np.unwrap(np.arctan2(across[:, 1], across[:, 0])),
        "turn": (nose * unit).sum(axis=1) / distance,
        "nod": (nose[:, 1] * unit[:, 0] - nose[:, 0] * unit[:, 1]) / distance,
    }


def _independent_frames(a: np.ndarray, b: np.ndarray) -> float:
    """Effective number of independent frames of two curves `[T]`: T / (1 + 2 sum of (1 - k / T) r_a(k) r_b(k))."""
    count = len(a)
    lags = np.arange(1, count // 3 + 1)
    products = [(1 - k / count) * _autocorrelation(a, k) * _autocorrelation(b, k) for k in lags]
    return count / max(1 + 2 * sum(products), 1.0)


def _autocorrelation(curve: np.ndarray, lag: int) -> float:
    centred = curve - curve.mean()
    return float((centred[lag:] * centred[:-lag]).sum() / (centred**2).sum())


def _shifted(opening: np.ndarray, level: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    if lag >= 0:
        return opening[lag:], level[: len(level) - lag]
    return opening[:lag], level[-lag:]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if a.std() < 1e-12 or b.std() < 1e-12:
        return -1.0
    return float(np.corrcoef(a, b)[0, 1])
