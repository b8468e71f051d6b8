"""Table 1 in the form of the paper: its columns in its order, our rows, and below them the rows that the paper prints.

The rows are prepared once, as texts with marks, and written as markdown, LaTeX and HTML by `paper_forms`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dheads_model.method_kinds import WITHOUT_VIDEOS
from dheads_model.tables.columns import COLUMNS
from dheads_model.tables.paper_columns import (
    PAPER_COLUMNS,
    PaperColumn,
    measuring_metric,
    metric_title,
    why_absent,
)
from dheads_model.tables.paper_parts import BEST, PLAIN, SECOND, Block, Head, PaperTable, Text
from dheads_model.tables.printed import DATASET_TITLES, TRUTH, printed_datasets, printed_table1
from dheads_model.tables.ranking import best_two
from dheads_model.tables.statistics import NOT_APPLICABLE

if TYPE_CHECKING:
    from dheads_model.tables.table1 import Row

NOT_COMPUTED = "not computed"
LEGEND = (
    "The best printed value of a column is bold and the second best italic, without the ground truth. In the rows of this run "
    "they are marked only where the difference from every other method is beyond chance, see below."
)


def paper_table(rows: list[Row]) -> PaperTable:
    """The paper's columns of the rows of one dataset, with the printed rows of that dataset, or of both for another one."""
    dataset = rows[0].dataset
    stated = {metric for row in rows for metric in row.cells}
    measured = {metric for row in rows for metric, found in row.cells.items() if found.n}
    metrics = [measuring_metric(column, measured, stated) for column in PAPER_COLUMNS]
    notes: list[str] = []
    heads = []
    for column, metric in zip(PAPER_COLUMNS, metrics, strict=True):
        note = _note(column, metric, rows)
        if note and note not in notes:
            notes.append(note)
        heads.append(Head(column.title, _direction(column, metric), notes.index(note) + 1 if note else 0))
    ours = Block(
        f"this run, {DATASET_TITLES.get(dataset, dataset)}, test split",
        tuple((f"{row.method} (n = {row.measured})", tuple(_cell(row, metric) for metric in metrics)) for row in rows),
    )
    printed = tuple(_printed_block(name, name == dataset) for name in printed_datasets(dataset))
    return PaperTable(tuple(heads), (ours, *printed), tuple(notes), LEGEND)


def _direction(column: PaperColumn, metric: str | None) -> str:
    """As this project judges the metric; the printed rows are always ranked as the paper does."""
    found = [one.better for one in COLUMNS if one.metric == metric]
    return found[0] if found else column.better


def _note(column: PaperColumn, metric: str | None, rows: list[Row]) -> str:
    """The footnote of a column: why it was not computed, or the metric's name where it has another one, and what differs."""
    if metric is None:
        return f"{NOT_COMPUTED}: {why_absent(column)}"
    filmed = [row for row in rows if row.kind not in WITHOUT_VIDEOS]
    reasons = {row.cells[metric].why for row in filmed if metric in row.cells and row.cells[metric].n == 0} - {""}
    parts = sorted(reasons) + ([metric_title(metric)] if metric_title(metric) != column.title else [])
    return "; ".join([*parts, *([column.note] if column.note else [])])


def _cell(row: Row, metric: str | None) -> Text:
    if row.kind in WITHOUT_VIDEOS:
        return Text(NOT_APPLICABLE.why)
    if metric is None:
        return Text(NOT_COMPUTED)
    found = row.cells.get(metric)
    if found is None or found.mean is None:
        return Text((found.why.partition(":")[0] if found else "") or "–")
    digits = next(column.digits for column in COLUMNS if column.metric == metric)
    text = f"{found.mean:.{digits}f}" + ("" if found.sd is None else f" ± {found.sd:.{digits}f}")
    text += "" if found.n == row.measured else f" (n = {found.n})"
    return Text(text, BEST if metric in row.best else SECOND if metric in row.second else PLAIN)


def _printed_block(dataset: str, same: bool) -> Block:
    """The printed rows of a dataset, ranked without its ground truth; same: whether our rows are of that dataset."""
    table = printed_table1()
    table = table[table["dataset"] == dataset].set_index("method")
    ranked = {}
    for column in PAPER_COLUMNS:
        values = {name: None if pd.isna(value) else float(value) for name, value in table[column.key].items()}
        truth = values.pop(TRUTH)
        ranked[column.key] = best_two(values, column.better, truth)
    rows = []
    for name, row in table.iterrows():
        cells = []
        for column in PAPER_COLUMNS:
            best, second = ranked[column.key]
            digits = 0 if column.key == "av_offset" else column.digits
            text = "–" if pd.isna(row[column.key]) else f"{row[column.key]:.{digits}f}"
            cells.append(Text(text, BEST if name in best else SECOND if name in second else PLAIN))
        rows.append((str(name), tuple(cells)))
    title = f"printed in the paper, {DATASET_TITLES[dataset]}"
    return Block(title if same else f"{title} (other data, not comparable)", tuple(rows))
