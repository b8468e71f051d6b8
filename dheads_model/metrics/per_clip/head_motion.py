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
               "standard deviation over a clip of the head's position, size, tilt, turn and nod within the crop, which compensates "
               "slow motion; from eye corners and nose tip, in eye distances"),
    ),
)  # fmt: skip
