"""How far a long video leaves the person it began with, without a network that knows faces."""

import numpy as np


def drift_curve(frames: np.ndarray, window: int = 50) -> np.ndarray:
    """Distance of each window's mean picture from that of the first, float64 `[T // window]`, 0 for the first.

    frames uint8 `[T, H, W, 3]` at 25 a second; the distance is the root mean square over pixels and colours in levels of
    0..255. Over two seconds words, blinks and small movements of the head average out; what stays is a face, its colours
    and its background, which should not change. frames beyond the last whole window are left out. Raises ValueError for
    fewer than two windows.
    """
    count = len(frames) // window
    if count < 2:
        raise ValueError(f"{len(frames)} frames are fewer than two windows of {window}")
    means = np.stack([frames[k * window : (k + 1) * window].mean(axis=0, dtype=np.float64) for k in range(count)])
    return np.sqrt(((means - means[0]) ** 2).mean(axis=(1, 2, 3)))
