"""CPBD, and its drift over a clip."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip, or_refuse
from dheads_model.metrics.column import CLOSEST, CORRELATION, Column
from dheads_model.metrics.measurement import Measurement


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `sharpness.video_cpbd` and `sharpness.cpbd_drift` with windows of a second."""
    from dheads_model.media.clock import FRAMES_PER_SECOND
    from dheads_model.metrics import sharpness

    values = [sharpness.cpbd(frame) for frame in clip.frames]
    short = len(values) < 2 * FRAMES_PER_SECOND
    return [
        or_refuse("cpbd", sharpness.mean_cpbd(values), "no frame has an edge"),
        or_refuse(
            "cpbd_drift",
            sharpness.cpbd_drift(values, FRAMES_PER_SECOND),
            "the clip is shorter than 2 s" if short else "no frame of its first or last second has an edge",
        ),
    ]


METRIC = ClipMetric(
    place=80,
    measure=measure,
    columns=(
        Column("cpbd", "CPBD", CLOSEST, 4, "fraction of edges without noticeable blur (Narvekar and Karam 2011), mean over frames",
               span=(0.0, 1.0)),
        Column("cpbd_drift", "CPBD drift", CLOSEST, 4,
               "CPBD of a clip's last second minus that of its first; clips of at least 2 s", span=CORRELATION),
    ),
)  # fmt: skip
