"""Blinks drawn for a video: the closure of the eyes of each frame."""

from collections.abc import Iterator

# Closure during a blink at 25 frames/s: the median of 235 blinks of 25 real speakers. Guidance closes the eyes further.
PROFILE = (0.42, 0.81, 0.66, 0.29, 0.14, 0.07)
# Frames with open eyes between two blinks, at least.
SHORTEST_PAUSE = 10
MOST_PER_SECOND = 1.0
_FRAMES_PER_SECOND = 25
_DRAWS = 0xB11C  # separates these draws from others with the same seed


def eye_closures(seed: int, per_second: float) -> Iterator[float]:
    """Closure of the eyes of each frame of a video without end, a function of seed and rate.

    per_second: mean number of blinks, 0 for none, at most MOST_PER_SECOND. Pauses are SHORTEST_PAUSE frames and an
    exponential rest, since the times between blinks in speech are irregular (Doughty 2001).
    """
    if per_second == 0:
        while True:
            yield 0.0
    import numpy as np  # not above: planning reads the settings that name this module

    generator = np.random.default_rng([seed, _DRAWS])
    rest = _FRAMES_PER_SECOND / per_second - SHORTEST_PAUSE - len(PROFILE)
    while True:
        yield from [0.0] * (SHORTEST_PAUSE + round(generator.exponential(rest)))
        yield from PROFILE
