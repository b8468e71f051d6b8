"""Quality measures of a prepared clip, to find outliers: frame rate, duration, size and pose of the face, audio lag."""

import numpy as np

from dheads_model.faces.landmarks import eye_distance
from dheads_model.faces.pose import head_pose
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics.signals import loudness, mouth_audio_correlation, mouth_audio_lag, mouth_opening

# Plotted and ranked measures: name, title with unit, on which side clips are bad, and the smallest relevant difference
# (a lower bound of the standard deviation where most clips are equal, as with frame rates).
MEASURES = {
    "fps": ("frames/s of the source", "both", 0.5),
    "seconds": ("duration in s", "both", 0.25),
    "eye_distance": ("distance of the eyes in source pixels", "low", 2.0),
    "detected": ("share of frames with a face", "low", 0.02),
    "yaw": ("mean yaw in degrees", "both", 3.0),
    "pitch": ("mean pitch in degrees", "both", 3.0),
    "roll": ("mean roll in degrees", "both", 2.0),
    "pose_spread": ("spread of the pose in degrees", "high", 1.0),
    "jitter": ("mean step of the aligned eyes a frame, % of the crop", "high", 0.05),
    "lag": ("mouth after sound, frames", "both", 1.0),
    "correlation": ("mouth-audio correlation", "low", 0.1),
    "loudest": ("loudest 40 ms in dBFS", "low", 2.0),
}


def clip_quality(track: dict, facts: dict, landmarks: np.ndarray, audio: np.ndarray, size: int) -> dict[str, float]:
    """Values of MEASURES of one clip; NaN for undefined values.

    track: columns of the clip's track table; facts: of its track manifest. landmarks float32 `[T, 68, 2]` in pixels of
    the crop of `size`, audio int16 `[640 T]`.
    """
    pose = head_pose(track["landmarks"], facts["width"], facts["height"])
    opening, level = mouth_opening(landmarks), loudness(audio)
    eyes = landmarks[:, 36:48].mean(axis=1)
    lag, correlation = mouth_audio_lag(opening, level)[0], mouth_audio_correlation(opening, level)
    return {
        "fps": facts["fps"],
        "seconds": len(landmarks) / FRAMES_PER_SECOND,
        "eye_distance": float(np.median(eye_distance(track["landmarks"]))),
        "detected": facts["detected_fraction"],
        **dict(zip(("yaw", "pitch", "roll"), np.nanmean(pose, axis=0).tolist(), strict=True)),
        "pose_spread": float(np.sqrt(np.nanvar(pose, axis=0).sum())),
        "jitter": float(np.linalg.norm(np.diff(eyes, axis=0), axis=1).mean() / size * 100) if len(eyes) > 1 else np.nan,
        "lag": np.nan if lag is None else float(lag),
        "correlation": np.nan if correlation is None else correlation,
        "loudest": float(level.max()),
    }


def oddness(values: np.ndarray, side: str, step: float) -> np.ndarray:
    """Deviation of each value from the median on the bad side, in robust standard deviations (1.4826 MAD), at least 0.

    side: "low", "high" or "both"; step: lower bound of the standard deviation. NaN gives 0.
    """
    centre = np.nanmedian(values)
    distance = (values - centre) / max(1.4826 * np.nanmedian(np.abs(values - centre)), step)
    distance = {"low": -distance, "high": distance, "both": np.abs(distance)}[side]
    return np.nan_to_num(np.maximum(distance, 0.0))
