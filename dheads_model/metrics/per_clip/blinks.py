"""Blinks by the project's landmarks."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip, or_refuse
from dheads_model.metrics.column import CLOSEST, Column
from dheads_model.metrics.measurement import Measurement


def measure(clip: MeasuredClip) -> list[Measurement]:
    """Blinks a second, and their mean duration in seconds."""
    import numpy as np

    from dheads_model.media.clock import FRAMES_PER_SECOND
    from dheads_model.metrics import signals
    from dheads_model.metrics.blinks import find_blinks

    frames = len(clip.landmarks)
    found = find_blinks(signals.eye_aspect_ratio(clip.landmarks)) if frames > 2 else []
    durations = [(last - first) / FRAMES_PER_SECOND for first, last in found]
    return [
        Measurement("blinks_per_second", len(found) / (frames / FRAMES_PER_SECOND)),
        or_refuse("blink_duration", float(np.mean(durations)) if durations else None, "no blink"),
    ]


METRIC = ClipMetric(
    place=40,
    by_landmarks=True,
    measure=measure,
    columns=(
        Column("blinks_per_second", "blinks/s", CLOSEST, 3,
               "number of blinks of all clips divided by their total duration, by the rule of the counter that the paper's authors "
               "name and the project's landmarks; an eye aspect ratio that decreases by less than 0.072 per frame does not count",
               by_frames=True),
        Column("blink_duration", "blink duration, s", CLOSEST, 3, "mean duration of a clip's blinks in seconds"),
    ),
)  # fmt: skip
