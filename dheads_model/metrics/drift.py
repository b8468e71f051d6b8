"""Drift of a long video from its beginning, measured on pixels."""

import numpy as np


def drift_curve(frames: np.ndarray, window: int = 50) -> np.ndarray:
    """Distance of each window's mean frame from that of the first, float64 `[T // window]`, 0 for the first.

    frames uint8 `[T, H, W, 3]` at 25 frames/s; the distance is the root mean square over pixels and colours in levels of
    0..255. Over two seconds mouth movements, blinks and small head movements average out; identity, colours and background
    remain and should not change. Frames after the last whole window are ignored. Raises ValueError for fewer than two
    windows.
    """
    count = len(frames) // window
    if count < 2:
        raise ValueError(f"{len(frames)} frames are fewer than two windows of {window}")
    means = np.stack([frames[k * window : (k + 1) * window].mean(axis=0, dtype=np.float64) for k in range(count)])
    return np.sqrt(((means - means[0]) ** 2).mean(axis=(1, 2, 3)))
