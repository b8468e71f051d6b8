"""AV offset, confidence and distance of lips and audio by the released SyncNet, for clips from 6 frames on."""

import functools

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import ANY, HIGHER, LOWER, UNJUDGED, Column
from dheads_model.metrics.measurement import Measurement

WEIGHTS = "syncnet_v2.model"


@functools.cache
def _network(weights_folder: str):
    from dheads_model.metrics.networks.syncnet import open_syncnet
    from dheads_model.weights import read_weights_table

    return open_syncnet(weights_folder, read_weights_table()[WEIGHTS])


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `measure_published_sync`; refused for clips under 6 frames. Raises UserError for another weights file."""
    from dheads_model.metrics.networks.syncnet import embed_clip
    from dheads_model.metrics.published_sync import (
        WINDOW,
        measure_published_sync,
        mfcc,
        refuse_published_sync,
        window_count,
    )
    from dheads_model.network.threads import one_thread

    if window_count(len(clip.frames), len(clip.audio)) < 1:
        return refuse_published_sync(f"fewer than {WINDOW + 1} frames")
    with one_thread():
        embeddings = embed_clip(_network(clip.weights_folder), clip.frames, mfcc(clip.audio), len(clip.audio))
    return measure_published_sync(*embeddings)


METRIC = ClipMetric(
    place=22,
    measure=measure,
    requested="syncnet",
    weights=(WEIGHTS,),
    columns=(
        Column("av_offset", "AV offset (SyncNet)", UNJUDGED, 2,
               "lag in frames at which lips and audio are nearest, of 31 shifts; positive for early audio, negative for late "
               "audio; not given where the nearest shift is at their edge", optional=True, span=ANY),
        Column("av_confidence", "AV conf. = LSE-C (SyncNet)", HIGHER, 3,
               "median of the distances at the 31 shifts minus the least; audio beyond the clip counts as zeros, as published",
               optional=True),
        Column("lse_d", "LSE-D (SyncNet)", LOWER, 3, "the least of those distances", optional=True),
        Column("av_offset_saturated", "AV offset at the edge (SyncNet)", LOWER, 3,
               "share of clips whose nearest shift is at the edge of the 31: they agree with silence rather than with speech",
               optional=True, span=(0.0, 1.0)),
        Column("av_offset_valid", "AV offset, valid (SyncNet)", UNJUDGED, 2,
               "the same over pairs within the clip alone, of shifts that at least half of its windows reach; not as published",
               optional=True, span=ANY),
        Column("av_confidence_valid", "AV conf. = LSE-C, valid (SyncNet)", HIGHER, 3, "the confidence of those pairs",
               optional=True),
        Column("lse_d_valid", "LSE-D, valid (SyncNet)", LOWER, 3, "the least mean distance of those pairs", optional=True),
    ),
)  # fmt: skip
