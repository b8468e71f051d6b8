"""Whether a training's log shows a model that does not listen to the sound; see audio_gain.py for the measure."""

from collections.abc import Sequence

GAIN_KEY = "audio_gain_"
# Less than a thousandth at every noise level is no gain: scatter alone reaches it.
LEAST_GAIN = 0.001
# Validations in a row that may show none before it is said.
PATIENCE = 3


def gains_of(entry: dict) -> dict[float, float]:
    """{sigma: audio gain} of an entry of the log; empty where none was measured."""
    return {float(name.removeprefix(GAIN_KEY)): value for name, value in entry.items() if name.startswith(GAIN_KEY)}


def ignored_audio_sentence(entries: Sequence[dict]) -> str:
    """What to say of a training whose last three gains are all zero, as a sentence; "" while it listens or may begin to.

    entries: of the log, in order.
    """
    measured = [gains for gains in map(gains_of, entries) if gains][-PATIENCE:]
    if len(measured) < PATIENCE or any(max(map(abs, gains.values())) >= LEAST_GAIN for gains in measured):
        return ""
    dead = all(abs(value) < 1e-7 for gains in measured for value in gains.values())
    images = entries[-1]["images"]
    if dead:
        return (
            f"the sound has no influence at all on this model's pictures after {images} images (audio gain 0), and it "
            "will not come back by training on: set runs.NAME.network.audio_norm to true or lower "
            "runs.NAME.training.learning_rate."
        )
    return (
        f"this model does not listen to the sound after {images} images (audio gain below {LEAST_GAIN:g} at every noise "
        "level): train longer, or see docs/training.md for what helps."
    )
