"""Whether the lips meet at every spoken P, B and M."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import CLOSEST, UNJUDGED, Column
from dheads_model.metrics.measurement import Measurement, refuse


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `measure_lips_meet`; refused with the reason why the clip has no phone times."""
    from dheads_model.metrics.lips_meet import LIPS_MEET, measure_lips_meet

    if clip.phones.reason:
        return [refuse(name, clip.phones.reason) for name in LIPS_MEET]
    return measure_lips_meet(clip.mouth_opening, clip.phones.phones)


METRIC = ClipMetric(
    place=15,
    by_landmarks=True,
    requested="lips_meet",
    measure=measure,
    columns=(
        Column("lips_meet_share", "lips meet", CLOSEST, 3,
               "share of the P, B and M spoken in a clip at which the gap of the lips falls to half of its usual width or less, "
               "from one frame before to one after", optional=True, span=(0.0, 1.0)),
        Column("lips_meet_depth", "lips meet, depth", CLOSEST, 3,
               "how far the gap falls there, mean over a clip's P, B and M: 0 not at all, 1 lips that touch", optional=True,
               span=(0.0, 1.0)),
        Column("lips_meet_count", "P, B, M", UNJUDGED, 2, "number of P, B and M spoken in a clip", optional=True),
    ),
)  # fmt: skip
