"""Blinks by dlib's landmarks, as the counter that the paper's authors name finds them."""

import functools

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import CLOSEST, Column
from dheads_model.metrics.measurement import Measurement


@functools.cache
def _dlib():
    from dheads_model.faces.dlib_predictor import open_dlib

    return open_dlib()


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `measure_published_blinks`; raises UserError where dlib or its weights are not installed."""
    from dheads_model.metrics.published_blinks import measure_published_blinks

    return measure_published_blinks(clip.frames, *_dlib())


METRIC = ClipMetric(
    place=50,
    measure=measure,
    requested="published_blinks",
    columns=(
        Column("blinks_per_second_published", "blinks/s (published)", CLOSEST, 3,
               "number of blinks of all clips divided by their total duration, with the landmarks of the counter that the paper's "
               "authors name: dlib, per frame, on frames enlarged twice", by_frames=True, optional=True),
        Column("blink_duration_published", "blink duration, s (published)", CLOSEST, 3,
               "mean duration of those in a clip, in seconds", optional=True),
    ),
)  # fmt: skip
