"""How much the head moves."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import CLOSEST, Column
from dheads_model.metrics.measurement import Measurement


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `signals.head_motion`."""
    from dheads_model.metrics import signals

    return [Measurement("head_motion", signals.head_motion(clip.landmarks))]


METRIC = ClipMetric(
    place=30,
    by_landmarks=True,
    measure=measure,
    columns=(
        Column("head_motion", "head motion", CLOSEST, 4,
               "spread over a clip of the head's place, size, tilt, turn and nod within the crop, which follows slow motion by "
               "itself; by the eyes' corners and the nose's tip, in eye distances"),
    ),
)  # fmt: skip
