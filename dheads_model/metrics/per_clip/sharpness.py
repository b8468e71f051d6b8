"""CPBD."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip, or_refuse
from dheads_model.metrics.column import CLOSEST, Column
from dheads_model.metrics.measurement import Measurement


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `sharpness.video_cpbd`."""
    from dheads_model.metrics import sharpness

    return [or_refuse("cpbd", sharpness.video_cpbd(clip.frames), "no frame has an edge")]


METRIC = ClipMetric(
    place=80,
    measure=measure,
    columns=(
        Column("cpbd", "CPBD", CLOSEST, 4, "fraction of edges without noticeable blur (Narvekar and Karam 2011), mean over frames",
               span=(0.0, 1.0)),
    ),
)  # fmt: skip
