"""Table 3, the ablation: a row for each combination of varied settings, beside the numbers that the paper prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.metrics.column import HIGHER, LOWER
from dheads_model.tables.columns import COLUMNS
from dheads_model.tables.page import page
from dheads_model.tables.paper_forms import paper_html, paper_markdown, paper_tex
from dheads_model.tables.paper_parts import BEST, PLAIN, SECOND, Block, Head, PaperTable, Text
from dheads_model.tables.paper_table import NOT_COMPUTED
from dheads_model.tables.printed import DATASET_TITLES, printed_table3
from dheads_model.tables.ranking import best_two
from dheads_model.tables.statistics import Cell
from dheads_model.tables.table1 import GROUND_TRUTH, Row
from dheads_model.tables.tex import PREAMBLE

LEGEND = (
    "Mean ± standard deviation over clips. The best value of a column is bold and the second best italic, by value alone: a "
    "difference may be chance; the intervals are in table3.csv and the paired differences in table 1. CPBD is ranked by closeness "
    "to the ground truth in the rows of this run, and higher is better in the printed ones. The printed rows were trained on "
    "LRW. A row of this run is one training with one seed."
)
_EMPTY = Cell(None, None, 0, None, None)


@dataclass(frozen=True)
class Measure:
    """A column of the paper's table 3: its name in printed_table3.csv, the metrics that measure it, of which the first with cells
    is shown, and a footnote."""

    key: str
    title: str
    better: str
    digits: int
    metrics: tuple[str, ...]
    note: str = ""


MEASURES = (
    Measure("cpbd", "CPBD", HIGHER, 4, ("cpbd",)),
    Measure("mse", "MSE", LOWER, 0, ("mse",)),
    Measure("ssim", "SSIM", HIGHER, 4, ("ssim",)),
    Measure("psnr", "PSNR", HIGHER, 2, ("psnr",)),
    Measure("lmd", "LMD", LOWER, 3, ("lmd_mouth",), "LMD (mouth); the paper does not define its LMD"),
    Measure("wer", "WER", LOWER, 2, ("wer_dctcn", "wer_mstcn")),
)


def table3_files(rows: Sequence[Row], ablation: Sequence[Mapping]) -> dict[str, str]:
    """{csv, md, tex, html}: the table as texts.

    rows: of table 1. ablation: method and varied settings of each row. Raises UserError where no row has videos.
    """
    found = [(varied, row) for varied in ablation for row in rows if row.method == varied["method"]]
    if not found:
        raise UserError("no method of the ablation was measured; results/data_card.md has the reasons.")
    markdown, tex, body = ["# Table 3", ""], list(PREAMBLE), ["<h1>Table 3</h1>"]
    for dataset in sorted({row.dataset for _, row in found}):
        table = _form(dataset, [pair for pair in found if pair[1].dataset == dataset], rows)
        markdown += [f"## {dataset} (test split)", "", *paper_markdown(table)]
        tex += paper_tex(table, dataset)
        body += [f"<h2>{dataset} (test split)</h2>", *paper_html(table)]
    return {
        "csv": _csv(found),
        "md": "\n".join(markdown),
        "tex": "\n".join(tex),
        "html": page("Table 3", body),
    }


def _csv(found: Sequence[tuple[Mapping, Row]]) -> str:
    records = []
    for varied, row in found:
        settings = {key: value for key, value in varied.items() if key != "method"}
        record = {"dataset": row.dataset, **settings, "method": row.method, "measured": row.measured}
        for measure in MEASURES:
            cell = row.cells.get(_metric(measure, row), _EMPTY)
            record |= {
                measure.key: cell.mean,
                f"{measure.key}_sd": cell.sd,
                f"{measure.key}_n": cell.n,
                f"{measure.key}_low": cell.low,
                f"{measure.key}_high": cell.high,
            }
        records.append(record)
    return pd.DataFrame(records).to_csv(index=False)


def _metric(measure: Measure, row: Row) -> str:
    """The metric that is shown; the same for all rows of a run, whose config requests it."""
    return next((metric for metric in measure.metrics if metric in row.cells), measure.metrics[0])


def _form(dataset: str, found: Sequence[tuple[Mapping, Row]], rows: Sequence[Row]) -> PaperTable:
    directions = {column.metric: column.better for column in COLUMNS}
    truth = next((row for row in rows if row.dataset == dataset and row.method == GROUND_TRUTH), None)
    heads, notes, columns = [], [], []
    for measure in MEASURES:
        metric = _metric(measure, found[0][1])
        cells = [row.cells.get(metric, _EMPTY) for _, row in found]
        is_missing = all(cell.mean is None for cell in cells)
        why = next((cell.why for cell in cells if cell.why), "") or f"{NOT_COMPUTED}: not measured in this run"
        if note := why if is_missing else measure.note:
            notes.append(note)
        better = directions.get(metric, measure.better)
        heads.append(Head(measure.title, better, len(notes) if note else 0))
        true_cell = truth.cells.get(metric) if truth else None
        values = {str(number): cell.mean for number, cell in enumerate(cells)}
        best, second = best_two(values, better, true_cell.mean if true_cell else None)
        texts = [NOT_COMPUTED if is_missing else _shown(cell, measure.digits) for cell in cells]
        columns.append([Text(text, _mark(str(number), best, second)) for number, text in enumerate(texts)])
    names = [f"{name_of(varied)} (n = {row.measured})" for varied, row in found]
    ours = Block(f"this run, {DATASET_TITLES.get(dataset, dataset)}, test split", _rows(names, columns))
    blocks = (ours, _printed(dataset)) if {"audio_radius", "motion_channels"} <= set(found[0][0]) else (ours,)
    return PaperTable(tuple(heads), blocks, tuple(notes), LEGEND)


def _printed(dataset: str) -> Block:
    table = printed_table3()
    names = [name_of(row) for row in table[["audio_radius", "motion_channels"]].to_dict("records")]
    columns = []
    for measure in MEASURES:
        values = {str(number): float(value) for number, value in enumerate(table[measure.key])}
        best, second = best_two(values, measure.better, None)
        columns.append(
            [Text(f"{value:.{measure.digits}f}", _mark(number, best, second)) for number, value in values.items()]
        )
    title = "printed in the paper, LRW"
    return Block(title if dataset == "lrw" else f"{title} (other data, not comparable)", _rows(names, columns))


def name_of(varied: Mapping) -> str:
    """The varied settings in words, for instance m_y = 2, grey."""
    words = {
        "audio_radius": lambda value: f"m_y = {value}",
        "motion_channels": lambda value: {1: "grey", 3: "RGB"}[value],
        "motion_frames": lambda value: f"{value} motion frame{'s' if value > 1 else ''}",
    }
    return ", ".join(word(varied[key]) for key, word in words.items() if key in varied)


def _rows(names: Sequence[str], columns: Sequence[Sequence[Text]]) -> tuple[tuple[str, tuple[Text, ...]], ...]:
    return tuple((name, tuple(column[number] for column in columns)) for number, name in enumerate(names))


def _mark(name: str, best: set[str], second: set[str]) -> str:
    return BEST if name in best else SECOND if name in second else PLAIN


def _shown(cell: Cell, digits: int) -> str:
    if cell.mean is None:
        return "–"
    return f"{cell.mean:.{digits}f}" + ("" if cell.sd is None else f" ± {cell.sd:.{digits}f}")
