"""How the mouth's opening follows the ground truth's and the audio."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip, or_refuse
from dheads_model.metrics.column import ANY, CLOSEST, CORRELATION, HIGHER, UNJUDGED, Column
from dheads_model.metrics.measurement import Measurement


def measure(clip: MeasuredClip) -> list[Measurement]:
    """Correlations and lag, see dheads_model/metrics/signals.py."""
    from dheads_model.metrics import signals

    opening, level = clip.mouth_opening, clip.loudness
    truth = signals.mouth_truth_correlation(opening, signals.mouth_opening(clip.reference_landmarks))
    lag, why_not = signals.mouth_audio_lag(opening, level)
    return [
        or_refuse("mouth_truth_correlation", truth, "the true mouth does not move"),
        or_refuse(
            "mouth_audio_correlation", signals.mouth_audio_correlation(opening, level), "the sound does not vary"
        ),
        or_refuse("mouth_audio_lag", None if lag is None else float(lag), why_not),
    ]


METRIC = ClipMetric(
    place=10,
    by_landmarks=True,
    measure=measure,
    columns=(
        Column("mouth_truth_correlation", "mouth-truth corr.", HIGHER, 3,
               "correlation of mouth opening with that of the ground truth over a clip's frames; 0 for a still mouth. It is below "
               "1 for the ground truth itself, because its landmarks are detected in the video and compared with those of the "
               "source; the difference is the measurement error", span=CORRELATION),
        Column("mouth_audio_correlation", "mouth-audio corr.", CLOSEST, 3,
               "correlation of mouth opening and loudness over a clip's frames; 0 for a still mouth. Meaningful for the embedded "
               "corpus only, whose mouths open with loudness: on real speech it is about 0, also for the ground truth (-0.03 ± "
               "0.27 on 53 clips)", span=CORRELATION),
        Column("mouth_audio_lag", "lag", UNJUDGED, 2,
               "lag of the mouth behind the audio in frames with the highest correlation, at most 4; only for clips with a "
               "significant maximum", span=ANY),
    ),
)  # fmt: skip
