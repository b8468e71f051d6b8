"""Whether the lip reader of Martinez et al. 2020 takes a clip for the word that is spoken in it; LRW alone has such words."""

import functools

from dheads_model.metrics.word_columns import MEAN_FACE, word_error_metric

FILES = ("lrw_resnet18_mstcn_video.pth", MEAN_FACE)


@functools.cache
def _reader(weights_folder: str):
    from dheads_model.metrics.networks.mstcn import mstcn
    from dheads_model.metrics.networks.word_network import open_word_reader
    from dheads_model.weights import read_weights_table

    table = read_weights_table()
    return open_word_reader(weights_folder, mstcn(), *(table[file] for file in FILES))


METRIC = word_error_metric(
    "wer_mstcn",
    "MS-TCN",
    "the lip reader of Martinez et al. 2020",
    place=24,
    open_reader=lambda folder: _reader(folder),
    weights=FILES,
)
