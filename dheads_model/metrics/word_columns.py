"""The per-clip metric of word error for one lip reader. Standard library only."""

from collections.abc import Callable

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import LOWER, Column
from dheads_model.metrics.measurement import Measurement

MEAN_FACE = "20words_mean_face.npy"


def word_error_metric(
    name: str, title: str, words: str, place: int, open_reader: Callable, weights: tuple[str, ...]
) -> ClipMetric:
    """The column of a lip reader that `words` describes; `name` is that of the column and of the config key.

    open_reader: called with the folder of weights, returns the `word_error.WordReader`. Others: see ClipMetric.
    """

    def measure(clip: MeasuredClip) -> list[Measurement]:
        """See `measure_word_error`. Raises UserError for other weights files."""
        from dheads_model.metrics.word_error import measure_word_error
        from dheads_model.network.threads import one_thread

        with one_thread():
            reader = open_reader(clip.weights_folder)
            return [measure_word_error(name, reader, clip.frames, clip.landmarks, clip.word)]

    def undefined(clip: MeasuredClip) -> str:
        """See `no_word`."""
        from dheads_model.metrics.lrw_words import LRW_WORDS
        from dheads_model.metrics.word_error import no_word

        return no_word(clip.word, LRW_WORDS)

    column = Column(
        name, f"WER ({title})", LOWER, 3,
        f"share of clips whose word {words} takes for another one of LRW's 500; the ground truth has the reader's own error on "
        "real lips; its weights are for benchmarks, not for commercial use", optional=True, span=(0.0, 1.0),
    )  # fmt: skip
    return ClipMetric(
        place=place, measure=measure, by_landmarks=True, undefined=undefined, requested=name, weights=weights,
        columns=(column,),
    )  # fmt: skip
