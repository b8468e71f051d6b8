"""CPBD: share of edges whose blur is not seen (Narvekar and Karam, IEEE TIP 20(9), 2011), written from the paper."""

import cv2
import numpy as np

BLOCK = 64
EDGE_SHARE = 0.002  # of a block's pixels, for it to count
BETA = 3.6
JUST_NOTICEABLE_PROBABILITY = 0.63


def cpbd(frame: np.ndarray) -> float | None:
    """Cumulative probability of blur detection, 0 blurred .. 1 sharp, of an RGB frame uint8 `[H, W, 3]`; None without edges.

    Edges by Canny with Otsu's threshold; their width from local minimum to local maximum along the row, for edges whose
    gradient is nearly horizontal (Marziliano et al. 2002). An edge is seen as blurred with probability
    1 - exp(-(width / w_JNB)^3.6), w_JNB = 5 pixels in blocks of contrast up to 50, else 3.
    """
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    high, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    edges = cv2.Canny(grey, 0.5 * high, high) > 0
    horizontal = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    vertical = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    steep = edges & (np.abs(horizontal) > 2.4 * np.abs(vertical))  # within 22.5 degrees of the row
    widths = _edge_widths(grey.astype(np.int16), horizontal, steep)
    probabilities = []
    for top in range(0, grey.shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, grey.shape[1] - BLOCK + 1, BLOCK):
            block = np.s_[top : top + BLOCK, left : left + BLOCK]
            if edges[block].mean() <= EDGE_SHARE:
                continue
            contrast = int(grey[block].max()) - int(grey[block].min())
            found = widths[block][steep[block]]
            noticeable = 5.0 if contrast <= 50 else 3.0
            probabilities.append(1 - np.exp(-((found / noticeable) ** BETA)))
    if not probabilities or not sum(map(len, probabilities)):
        return None
    return float((np.concatenate(probabilities) <= JUST_NOTICEABLE_PROBABILITY).mean())


def video_cpbd(frames: np.ndarray) -> float | None:
    """Mean CPBD over the frames uint8 `[T, H, W, 3]` that have edges; None when none has."""
    values = [value for value in map(cpbd, frames) if value is not None]
    return float(np.mean(values)) if values else None


def _edge_widths(grey: np.ndarray, gradient: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Distance along the row from where the grey level stops falling to where it stops rising, `[H, W]`, 0 elsewhere."""
    rising = np.diff(grey, axis=1)  # rising[:, x] leads from x to x + 1
    up_right = _run_length(rising > 0, forward=True)
    down_right = _run_length(rising < 0, forward=True)
    up_left = _run_length(rising > 0, forward=False)
    down_left = _run_length(rising < 0, forward=False)
    widths = np.where(gradient > 0, up_left + up_right, down_left + down_right)
    return np.where(chosen, widths, 0)


def _run_length(steps: np.ndarray, forward: bool) -> np.ndarray:
    """Number of consecutive true steps that start at each pixel and lead right, or that lead to it from the left."""
    height, width = steps.shape[0], steps.shape[1] + 1
    lengths = np.zeros((height, width), dtype=np.int32)
    columns = range(width - 2, -1, -1) if forward else range(1, width)
    for x in columns:
        before, step = (x + 1, x) if forward else (x - 1, x - 1)
        lengths[:, x] = np.where(steps[:, step], lengths[:, before] + 1, 0)
    return lengths
