"""Whether a training's log shows that the audio condition has no effect; see audio_gain.py for the measure."""

from collections.abc import Sequence

GAIN_KEY = "audio_gain_"
# A gain below a thousandth at every noise level is within the scatter.
LEAST_GAIN = 0.001
# Validations in a row without a gain after which a training is reported.
VALIDATIONS = 3


def gains_of(entry: dict) -> dict[float, float]:
    """{sigma: audio gain} of an entry of the log; empty where none was measured."""
    return {float(name.removeprefix(GAIN_KEY)): value for name, value in entry.items() if name.startswith(GAIN_KEY)}


def ignored_audio_sentence(entries: Sequence[dict]) -> str:
    """The report on a training whose last VALIDATIONS gains are all zero, as a sentence; "" for any other.

    entries: of the log, in order.
    """
    measured = [gains for gains in map(gains_of, entries) if gains][-VALIDATIONS:]
    if len(measured) < VALIDATIONS or any(max(map(abs, gains.values())) >= LEAST_GAIN for gains in measured):
        return ""
    none_at_all = all(abs(value) < 1e-7 for gains in measured for value in gains.values())
    images = entries[-1]["images"]
    if none_at_all:
        return (
            f"the audio condition has no effect at all on this model's frames after {images} images (audio gain 0), and "
            "more training does not change that: set runs.NAME.network.audio_norm to true or lower "
            "runs.NAME.training.learning_rate."
        )
    return (
        f"the audio condition has no effect after {images} images (audio gain below {LEAST_GAIN:g} at every noise "
        "level): train longer, or see docs/training.md for what helps."
    )
