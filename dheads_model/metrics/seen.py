"""Whether the landmarks of a video are usable."""

import numpy as np

# A face must be found in this share of the frames, or curves over time are mostly interpolation.
LEAST_SEEN = 0.8


def unseen_reason(seen: np.ndarray) -> str:
    """Why landmarks of a video say nothing, "" when they do: seen bool `[T]`, whether a face was found in each frame."""
    return "" if seen.mean() >= LEAST_SEEN else f"a face was found in {int(seen.sum())} of {len(seen)} frames"
