"""Distances between sets of clips as cells of table 1, with the notes below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dheads_model.method_kinds import WITHOUT_VIDEOS
from dheads_model.metrics.distance_registry import DISTANCES
from dheads_model.metrics.distribution import SetMeasurement
from dheads_model.stages.distances import MethodDistances
from dheads_model.tables.columns import COLUMNS
from dheads_model.tables.statistics import NOT_APPLICABLE, Cell

if TYPE_CHECKING:
    from dheads_model.tables.table1 import Row

REFUSED = "refused"
DISTANCE_COLUMNS = frozenset(name for distance in DISTANCES.values() for name in distance.names())
_TITLES = {column.metric: column.title for column in COLUMNS}


def with_distances(rows: Sequence[Row], found: Sequence[MethodDistances], uncomputed: Mapping[str, str]) -> list[Row]:
    """The rows with a cell for each column of each distance.

    found: measured distances of the rows' methods. uncomputed: {distance: why it is not computed}; its cells say so.
    The cells of a method without videos say that the distances are not applicable.
    """
    by_row = {(one.dataset, one.method): {} for one in found}
    for one in found:
        by_row[one.dataset, one.method] |= {figure.metric: figure for figure in one.measurements}
    absent = {
        name: Cell(None, None, 0, None, None, why) for key, why in uncomputed.items() for name in DISTANCES[key].names()
    }
    columns = {figure.metric for one in found for figure in one.measurements} | set(absent)
    result = []
    for row in rows:
        if row.kind in WITHOUT_VIDEOS:
            result.append(replace(row, cells=row.cells | dict.fromkeys(columns, NOT_APPLICABLE)))
            continue
        mine = by_row.get((row.dataset, row.method), {})
        cells = {name: _cell(figure) for name, figure in mine.items()} | absent
        result.append(replace(row, cells=row.cells | cells, distances=mine))
    return result


def _cell(figure: SetMeasurement) -> Cell:
    if figure.value is None:
        return Cell(None, None, 0, None, None, REFUSED)
    return Cell(figure.value, figure.spread, figure.clips[1], None, None)


def distance_notes(found: Sequence[MethodDistances], uncomputed: Mapping[str, str]) -> list[str]:
    """A sentence for each column and methods that were measured alike: numbers, spread, warning or reason."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        for figure in one.measurements:
            key = (_TITLES[figure.metric], one.dataset, _about(figure, one.about))
            alike.setdefault(key, []).append(one.method)
    notes = [
        f"{title} of {dataset}, {', '.join(methods)}: {about}." for (title, dataset, about), methods in alike.items()
    ]
    by_reason: dict[str, list[str]] = {}
    for key, why in uncomputed.items():
        by_reason.setdefault(why, []).extend(_TITLES[name] for name in DISTANCES[key].names())
    return notes + [uncomputed_note(titles, why) for why, titles in by_reason.items()]


def uncomputed_note(titles: Sequence[str], why: str) -> str:
    """The sentence for columns without values."""
    return f"{'; '.join(titles)}: {why}."


def _about(figure: SetMeasurement, settings: str) -> str:
    if figure.value is None:
        return f"refused: {figure.reason}"
    (real, made), (real_frames, frames) = figure.clips, figure.frames
    parts = [f"{made} clips ({frames} rows of features) against {real} real ones ({real_frames})"]
    if figure.spread is not None and figure.subset_clips:
        parts.append(f"± is the standard deviation over {figure.subsets} draws of {figure.subset_clips} clips")
    elif figure.spread is not None:
        parts.append(f"± is the standard error of a line through {figure.subsets} numbers of clips")
    return "; ".join([*parts, *filter(None, [settings, figure.note])])


def distance_record(metric: str, figure: SetMeasurement | None, cell: Cell) -> dict:
    """Columns of the CSV for one distance: value, spread and its draws, clips and rows of features of both sets, status (ok,
    or why there is no value), note."""
    if figure is None:
        figure = SetMeasurement(metric, None, (0, 0), (0, 0), "not_computed", cell.why)
    return {
        metric: figure.value,
        f"{metric}_spread": figure.spread,
        f"{metric}_subsets": figure.subsets,
        f"{metric}_subset_clips": figure.subset_clips,
        f"{metric}_clips": figure.clips[1],
        f"{metric}_rows": figure.frames[1],
        f"{metric}_real_clips": figure.clips[0],
        f"{metric}_real_rows": figure.frames[0],
        f"{metric}_status": figure.status if figure.value is not None else figure.reason,
        f"{metric}_note": figure.note or None,
    }
