"""The clock of prepared data: 25 frames/s and 16,000 samples/s, so 640 samples per frame."""

import numpy as np

FRAMES_PER_SECOND = 25
SAMPLE_RATE = 16_000
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAMES_PER_SECOND
FEATURE_COLUMNS_PER_FRAME = 4

# Containers round times to milliseconds (flv) or to their time base; a last frame that is shorter by less than this is kept.
_ROUNDING_SECONDS = 0.004


def frame_grid(start: float, end: float) -> np.ndarray:
    """Times of the output frames between two times in seconds: start + k / 25, float64 `[n]`, n = floor(25 (end - start))."""
    count = int(np.floor((end - start + _ROUNDING_SECONDS) * FRAMES_PER_SECOND))
    return start + np.arange(max(count, 0)) / FRAMES_PER_SECOND


def nearest_frames(source_times: np.ndarray, output_times: np.ndarray) -> np.ndarray:
    """Index of the source frame nearest in time to each output time, int64 `[T]`; the earlier one at a tie.

    source_times: float64 `[S]`, seconds, increasing. Raises ValueError when it is empty.
    """
    source = np.asarray(source_times, dtype=np.float64)
    wanted = np.asarray(output_times, dtype=np.float64)
    if source.size == 0:
        raise ValueError("there are no source frames to choose from")
    after = np.clip(np.searchsorted(source, wanted), 1, max(source.size - 1, 1))
    if source.size == 1:
        return np.zeros(wanted.shape, dtype=np.int64)
    before = after - 1
    return np.where(wanted - source[before] <= source[after] - wanted, before, after).astype(np.int64)
