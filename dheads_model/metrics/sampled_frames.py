"""Which frames of a clip metrics with costly networks look at."""

import numpy as np

from dheads_model.errors import UserError

FRAMES_PER_CLIP = 8


def frames_to_take(frames: int, wanted: int = FRAMES_PER_CLIP) -> np.ndarray:
    """Indices of `wanted` frames spread evenly over a clip of `frames`; all indices of a shorter clip."""
    if frames < 1 or wanted < 1:
        raise UserError(f"Frames of a clip cannot be sampled: {wanted} of {frames}; both must be at least 1.")
    count = min(frames, wanted)
    return (np.arange(count) * frames + frames // 2) // count if count < frames else np.arange(frames)
