"""CPBD: fraction of edges whose blur is not noticeable (Narvekar and Karam, IEEE TIP 20(9), 2011).

Implemented from the paper; where the paper leaves a choice (edge detectors, their thresholds, angles, rounding) it is that
of its authors' program, so that values are comparable with published ones.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from scipy import ndimage
from skimage.feature import canny

BLOCK = 64
EDGE_SHARE = 0.002  # smallest fraction of a block's pixels marked by Canny's detector for the block to count
BETA = 3.6
JUST_NOTICEABLE_PROBABILITY = 63  # percent, after rounding to whole ones
LONGEST_SIDE = 101  # largest width of an edge on one side in pixels
_SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 8


def cpbd(frame: np.ndarray) -> float | None:
    """Cumulative probability of blur detection, 0 blurred .. 1 sharp, of an RGB frame uint8 `[H, W, 3]`.

    Edges are the ridges of the horizontal Sobel gradient above twice its root mean square; their width is the distance
    along the row from local minimum to local maximum where the gradient is nearly horizontal (Marziliano et al. 2002). The
    blur of an edge is noticed with probability 1 - exp(-(width / w_JNB)^3.6), w_JNB = 5 pixels in blocks of 64 x 64 with a
    contrast up to 50, else 3; blocks with almost no edge by Canny's detector do not count. None without edges and for
    images smaller than a block, for which the authors' program gives 0.
    """
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float64)
    marked, widths = canny(grey), _edge_widths(grey, _ridges(grey))
    percent = []
    for top in range(0, grey.shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, grey.shape[1] - BLOCK + 1, BLOCK):
            block = np.s_[top : top + BLOCK, left : left + BLOCK]
            if marked[block].mean() <= EDGE_SHARE:
                continue
            noticeable = 5.0 if np.ptp(grey[block]) <= 50 else 3.0
            found = widths[block][widths[block] > 0]
            percent.append(np.round(100 * (1 - np.exp(-((found / noticeable) ** BETA)))))
    if not percent or not sum(map(len, percent)):
        return None
    return float((np.concatenate(percent) <= JUST_NOTICEABLE_PROBABILITY).mean())


def video_cpbd(frames: np.ndarray) -> float | None:
    """Mean CPBD over the frames uint8 `[T, H, W, 3]` that have edges; None when none has."""
    return mean_cpbd([cpbd(frame) for frame in frames])


def mean_cpbd(values: Sequence[float | None]) -> float | None:
    """Mean of the values of those frames that have one; None when none has."""
    found = [value for value in values if value is not None]
    return float(np.mean(found)) if found else None


def cpbd_drift(values: Sequence[float | None], window: int) -> float | None:
    """Mean CPBD of the last `window` frames minus that of the first, from the values of a video's frames; negative for one
    that becomes blurred. None for fewer than two windows, and where no frame of a window has edges."""
    if len(values) < 2 * window:
        return None
    first, last = mean_cpbd(values[:window]), mean_cpbd(values[-window:])
    return None if first is None or last is None else last - first


def _ridges(grey: np.ndarray) -> np.ndarray:
    """Where the squared horizontal gradient is strong and larger than on both sides, along the row or the column."""
    strength = ndimage.convolve(grey, _SOBEL) ** 2
    strength[strength <= 2 * np.sqrt(strength.mean())] = 0
    padded = np.pad(strength, 1)
    along_row = (strength > padded[1:-1, :-2]) & (strength > padded[1:-1, 2:])
    along_column = (strength > padded[:-2, 1:-1]) & (strength > padded[2:, 1:-1])
    return along_row | along_column


def _edge_widths(grey: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Width `[H, W]` of the edges bool `[H, W]` whose gradient is within 22.5 degrees of the row, 0 elsewhere.

    An edge includes its neighbouring pixels, and further ones while the grey level continues to rise or fall. Pixels
    at the image's border have width 0.
    """
    down, across = np.gradient(grey)
    angle = np.where(across != 0, np.degrees(np.arctan2(down, across)), 0)
    quarter = np.round(angle / 45)
    rising = np.diff(grey, axis=1)  # rising[:, x] leads from x to x + 1
    widths = np.zeros(grey.shape)
    for chosen, monotonic in ((quarter == 0, rising > 0), (np.abs(quarter) == 4, rising < 0)):
        to_left, to_right = _run_length(monotonic, forward=False), _run_length(monotonic, forward=True)
        reach = np.minimum(to_left[:, :-2] + 1, LONGEST_SIDE) + np.minimum(to_right[:, 2:] + 1, LONGEST_SIDE)
        widths[:, 1:-1] += np.where((edges & chosen)[:, 1:-1], reach, 0)
    widths[[0, -1]] = 0
    return widths


def _run_length(steps: np.ndarray, forward: bool) -> np.ndarray:
    """Number of consecutive true steps that start at each pixel and lead right, or that lead to it from the left."""
    height, width = steps.shape[0], steps.shape[1] + 1
    lengths = np.zeros((height, width), dtype=np.int32)
    columns = range(width - 2, -1, -1) if forward else range(1, width)
    for x in columns:
        before, step = (x + 1, x) if forward else (x - 1, x - 1)
        lengths[:, x] = np.where(steps[:, step], lengths[:, before] + 1, 0)
    return lengths
