"""Motion between consecutive frames: optical flow magnitude (OFM) and squared difference (F-MSE).

Each in two variants: as defined in the paper, and as the published script computes it. The script's flow is a statistic
of a colour-mapped, per-frame normalised image, and its difference wraps modulo 256. Closer to the ground truth is better.
"""

import cv2
import numpy as np

from dheads_model.faces.redetect import is_one_picture

PUBLISHED_SIZE = 128


def optical_flow(frames: np.ndarray, magnitudes: list[np.ndarray] | None = None) -> float:
    """OFM: mean Farneback flow magnitude in pixels per frame at 128 x 128, of uint8 RGB `[T, H, W, 3]`, T >= 2.

    0 for a video of equal frames, in whose flat regions the algorithm would measure the encoder's noise. magnitudes: of
    `flow_magnitudes`, where they are known.
    """
    if len(frames) > 1 and is_one_picture(frames):
        return 0.0
    return float(np.mean([magnitude.mean() for magnitude in magnitudes or flow_magnitudes(frames)]))


def frame_difference(frames: np.ndarray) -> float:
    """F-MSE: mean squared difference of consecutive frames at 128 x 128, grey levels squared, T >= 2; 0 for equal frames."""
    small = _published_frames(frames).astype(np.float64)
    if is_one_picture(frames):
        return 0.0
    return float(np.mean(np.diff(small, axis=0) ** 2))


def flow_map(frames: np.ndarray) -> np.ndarray:
    """Mean over time of the flow magnitude `[128, 128]`, whose mean is `optical_flow`."""
    if len(frames) > 1 and is_one_picture(frames):
        return np.zeros((PUBLISHED_SIZE, PUBLISHED_SIZE))
    return np.mean(flow_magnitudes(frames), axis=0, dtype=np.float64)


def published_optical_flow(frames: np.ndarray, magnitudes: list[np.ndarray] | None = None) -> float:
    """OFM as published: mean of the flow magnitude's JET image, normalised to 0..255 per frame; 42.67 .. 170.33.

    magnitudes: as for `optical_flow`.
    """
    images = []
    for magnitude in magnitudes or flow_magnitudes(frames):
        stretched = cv2.normalize(magnitude, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        images.append(cv2.applyColorMap(stretched, cv2.COLORMAP_JET).mean())
    return float(np.mean(images))


def published_frame_difference(frames: np.ndarray) -> float:
    """F-MSE as published: the square of a uint8 difference, which wraps modulo 256."""
    small = _published_frames(frames)
    difference = small[1:] - small[:-1]
    return float((difference * difference).mean())


def _published_frames(frames: np.ndarray) -> np.ndarray:
    if len(frames) < 2 or frames.dtype != np.uint8:
        raise ValueError(f"at least two uint8 frames are needed, not {frames.dtype} {frames.shape}")
    return np.stack([cv2.resize(frame, (PUBLISHED_SIZE, PUBLISHED_SIZE)) for frame in frames])


def flow_magnitudes(frames: np.ndarray) -> list[np.ndarray]:
    """Flow magnitudes `[128, 128]` between consecutive frames, with the published script's parameters."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in _published_frames(frames)]
    magnitudes = []
    for before, after in zip(grey[:-1], grey[1:], strict=True):
        flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 7, 5, 15, 5, 1.2, 0)
        magnitudes.append(cv2.cartToPolar(flow[..., 0], flow[..., 1])[0])
    return magnitudes
