"""Blinks from the eye aspect ratio, by the rule of the detector that the authors name (DinoMan/blink-detector)."""

import numpy as np
from scipy.signal import find_peaks

CLOSING_SPEED = 0.072  # smallest decrease of the eye aspect ratio from a frame to the next, at 25 frames/s
SHORTEST_DISTANCE = 4  # frames between two onsets


def find_blinks(ratio: np.ndarray) -> list[tuple[int, int]]:
    """(first, last frame) of each blink in a curve of eye aspect ratios `[T]` at 25 frames/s.

    An onset is a frame from which the ratio decreases by at least CLOSING_SPEED to the next, the fastest within
    SHORTEST_DISTANCE frames. A blink begins at the last local maximum of at least half height before its onset and ends
    at the first such maximum after it, before the next onset. The last blink may end with the clip; others without an
    end do not count.
    """
    onsets, _ = find_peaks(-np.diff(ratio), height=CLOSING_SPEED, distance=SHORTEST_DISTANCE)
    half = (ratio.min() + ratio.max()) / 2
    tops, _ = find_peaks(ratio, height=half)
    blinks = []
    for number, onset in enumerate(onsets):
        if onset > 0 and ratio[onset - 1] <= ratio[onset]:
            first = int(onset)
        else:
            before = tops[tops < onset]
            first = int(before[-1]) if len(before) else 0
        is_last = number == len(onsets) - 1
        limit = len(ratio) if is_last else onsets[number + 1]
        after = tops[(tops > onset) & (tops < limit)]
        if len(after):
            blinks.append((first, int(after[0])))
        elif is_last:
            blinks.append((first, len(ratio) - 1))
    return blinks
