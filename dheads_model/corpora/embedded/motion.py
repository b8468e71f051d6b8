"""Motion of the face that is independent of speech: blinks, slow head motion, breathing."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

BLINKS_PER_SECOND = 0.3
_SHORTEST_PAUSE = 0.6  # seconds between two blinks


@dataclass(frozen=True)
class Motion:
    """Head and eyes over the F frames of a clip, each `[F]`.

    blink: 0 open .. 1 shut. yaw, pitch, roll in radians. shift_x, shift_y in pixels of the image. breath: -1..1.
    blinks: (start, end) of each blink in seconds.
    """

    blink: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray
    shift_x: np.ndarray
    shift_y: np.ndarray
    breath: np.ndarray
    blinks: tuple[tuple[float, float], ...]


def move(times: np.ndarray, generator: np.random.Generator) -> Motion:
    """Blinks at a human rate (Poisson with a minimum pause; 0.18 to 0.34 s long) and slow random head motion."""
    blinks = _blink_times(float(times[-1]), generator)
    blink = np.zeros(len(times))
    for start, end in blinks:
        # Closing takes a third of a blink, opening the rest.
        phase = (times - start) / (end - start)
        lid = np.where(phase < 0.35, phase / 0.35, (1 - phase) / 0.65)
        blink = np.maximum(blink, np.clip(1.25 * lid, 0, 1) * ((phase > 0) & (phase < 1)))

    def wander(size: float) -> np.ndarray:
        # Twelve frames a standard deviation: nods of about a second.
        noise = gaussian_filter1d(generator.standard_normal(len(times) + 120), 12.0)[60:-60]
        return size * 6.5 * noise

    breath = np.sin(2 * np.pi * (0.25 * times + generator.random()))
    return Motion(
        blink, wander(0.06), wander(0.035), wander(0.022), wander(3.2), wander(1.8), breath, tuple(blinks)
    )  # fmt: skip


def _blink_times(seconds: float, generator: np.random.Generator) -> list[tuple[float, float]]:
    blinks = []
    time = float(generator.exponential(1 / BLINKS_PER_SECOND))
    while True:
        end = time + float(generator.uniform(0.18, 0.34))
        if end >= seconds:
            return blinks
        blinks.append((time, end))
        time = end + _SHORTEST_PAUSE + float(generator.exponential(1 / BLINKS_PER_SECOND))
