"""The columns of a table, as the metrics and the distances between sets of clips register them."""

from collections.abc import Collection

from dheads_model.metrics.column import CLOSEST, HIGHER, LOWER, UNJUDGED, Column
from dheads_model.metrics.distance_registry import DISTANCES
from dheads_model.metrics.registry import CLIP_METRICS

__all__ = ["CLOSEST", "COLUMNS", "HIGHER", "LOWER", "UNJUDGED", "Column", "shown_columns"]

COLUMNS = tuple(
    column
    for one in sorted([*CLIP_METRICS.values(), *DISTANCES.values()], key=lambda one: one.place)
    for column in one.columns
)


def shown_columns(metrics: Collection[str]) -> list[Column]:
    """The columns of a table that has rows of these metrics: all but the optional ones without any."""
    return [column for column in COLUMNS if not column.optional or column.metric in metrics]
