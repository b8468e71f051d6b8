"""Whether a released lip reader takes a clip for the word that is spoken in it; LRW alone has such words."""

import functools

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import LOWER, Column
from dheads_model.metrics.measurement import Measurement

NAME = "wer_mstcn"
FILES = ("lrw_resnet18_mstcn_video.pth", "20words_mean_face.npy")


@functools.cache
def _reader(weights_folder: str):
    from dheads_model.metrics.networks.mstcn import open_mstcn
    from dheads_model.weights import read_weights_table

    table = read_weights_table()
    return open_mstcn(weights_folder, *(table[name] for name in FILES))


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `measure_word_error`. Raises UserError for other weights files."""
    from dheads_model.metrics.word_error import measure_word_error
    from dheads_model.network.threads import one_thread

    with one_thread():
        reader = _reader(clip.weights_folder)
        return [measure_word_error(NAME, reader, clip.frames, clip.landmarks, clip.word)]


def undefined(clip: MeasuredClip) -> str:
    """See `no_word`."""
    from dheads_model.metrics.lrw_words import LRW_WORDS
    from dheads_model.metrics.word_error import no_word

    return no_word(clip.word, LRW_WORDS)


METRIC = ClipMetric(
    place=24,
    measure=measure,
    by_landmarks=True,
    undefined=undefined,
    requested="wer",
    weights=FILES,
    columns=(
        Column(NAME, "WER (MS-TCN)", LOWER, 3,
               "share of clips whose word the lip reader of Martinez et al. 2020 takes for another one of LRW's 500; the ground "
               "truth has the reader's own error on real lips; its weights are for benchmarks, not for "
               "commercial use", optional=True, span=(0.0, 1.0)),
    ),
)  # fmt: skip
