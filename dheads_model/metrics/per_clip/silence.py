"""The mouth in silence."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import CLOSEST, Column
from dheads_model.metrics.measurement import Measurement


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `measure_silence`."""
    from dheads_model.metrics.silence import measure_silence

    return measure_silence(clip.mouth_opening, clip.loudness)


METRIC = ClipMetric(
    place=17,
    by_landmarks=True,
    measure=measure,
    columns=(
        Column("silence_motion", "mouth motion in silence", CLOSEST, 3,
               "mean absolute change of the mouth opening in eye distances a second, over runs of at least 5 frames that are 30 dB "
               "below the clip's loudest frame, without the frames that border on speech"),
        Column("silence_opening", "mouth opening in silence", CLOSEST, 3, "mean opening in those frames, in eye distances"),
    ),
)  # fmt: skip
