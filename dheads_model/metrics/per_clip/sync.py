"""Sync by the config's own sync encoder; the command measure_sync measures it."""

from dheads_model.metrics.clip_metric import ClipMetric
from dheads_model.metrics.column import ANY, CLOSEST, UNJUDGED, Column

METRIC = ClipMetric(
    place=20,
    measure=None,
    columns=(
        Column("sync_confidence", "sync conf.", CLOSEST, 3,
               "by the config's sync encoder: mean cosine at the best shift of the audio minus the median over shifts",
               optional=True),
        Column("sync_offset", "sync offset", UNJUDGED, 2,
               "lag of the mouth behind the audio in frames at that shift, at most 4", optional=True, span=ANY),
    ),
)  # fmt: skip
