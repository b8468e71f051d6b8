"""What the mouth does while nothing is heard."""

import numpy as np

from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics.measurement import Measurement, refuse

SILENCE_METRICS = ("silence_motion", "silence_opening")
# A frame is silent if it is so much below the clip's loudest one, in dB. Closures of stops are as quiet but shorter than the
# least run of frames, and lips move before the sound: a run loses a frame at each end that borders on speech.
BELOW_LOUDEST = 30.0
LEAST_RUN = 5


def silent_frames(level: np.ndarray) -> list[np.ndarray]:
    """Runs of silent frames of a loudness in dB `[T]`, each without its first and last frame where these border on speech.

    A run has at least LEAST_RUN frames before that. A clip that is equally loud all the time has none.
    """
    quiet = level < level.max() - BELOW_LOUDEST
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]])))
    runs = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if end - start >= LEAST_RUN]
    return [np.arange(start + (start > 0), end - (end < len(level))) for start, end in runs]


def measure_silence(opening: np.ndarray, level: np.ndarray) -> list[Measurement]:
    """SILENCE_METRICS of a clip from its mouth opening in eye distances `[T]` and its loudness in dB `[T]`.

    silence_motion: mean absolute change of the opening from a frame to the next one of the same run, in eye distances a
    second; 0 for a still mouth. It includes the jitter of the landmarks. silence_opening: mean opening. Refused for a
    clip without a silence of LEAST_RUN frames.
    """
    runs = silent_frames(level)
    if not runs:
        return [refuse(name, f"no silence of {LEAST_RUN} frames") for name in SILENCE_METRICS]
    steps = np.concatenate([np.abs(np.diff(opening[run])) for run in runs])
    values = (steps.mean() * FRAMES_PER_SECOND, opening[np.concatenate(runs)].mean())
    return [Measurement(name, float(value)) for name, value in zip(SILENCE_METRICS, values, strict=True)]
