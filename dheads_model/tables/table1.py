"""Table 1: one row a dataset and method, one column a metric."""

from dataclasses import dataclass

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.tables.columns import CLOSEST, COLUMNS, HIGHER, UNJUDGED, Column, shown_columns
from dheads_model.tables.statistics import Cell, cell

GROUND_TRUTH = "ground_truth"
ARROWS = {"higher": "↑", "lower": "↓", "closest": "≈", "unjudged": ""}


@dataclass(frozen=True)
class Row:
    """One dataset and method: its cells by metric, and its clips (measured, and all)."""

    dataset: str
    method: str
    kind: str
    cells: dict[str, Cell]
    measured: int
    clips: int


def make_rows(values: pd.DataFrame, kinds: dict[str, str], lost: dict, samples: int) -> list[Row]:
    """Rows in the order of `kinds` ({method: kind}). values: tidy metrics of all clips; lost: {(dataset, method): number
    of clips that could not be measured}. Raises UserError when nothing was measured."""
    if values.empty:
        raise UserError(
            "no clip was measured: the test split is empty; look at results/data_card.md for where it went."
        )
    columns = shown_columns(set(values["metric"]))
    rows = []
    for dataset, of_dataset in values.groupby("dataset", sort=True):
        for method, kind in kinds.items():
            of_method = of_dataset[of_dataset["method"] == method]
            if of_method.empty:
                continue
            cells = {c.metric: cell(of_method[of_method["metric"] == c.metric], c, samples) for c in columns}
            measured = of_method["clip"].nunique()
            rows.append(Row(str(dataset), method, kind, cells, measured, measured + lost.get((dataset, method), 0)))
    return rows


def to_csv(rows: list[Row]) -> str:
    """Full precision, five columns a metric: mean, sd, n, and the ends of the 95 % interval."""
    records = []
    for row in rows:
        record = {"dataset": row.dataset, "method": row.method, "clips": row.clips, "measured": row.measured}
        for column in _columns([row]):
            found = row.cells[column.metric]
            record |= {
                column.metric: found.mean,
                f"{column.metric}_sd": found.sd,
                f"{column.metric}_n": found.n,
                f"{column.metric}_low": found.low,
                f"{column.metric}_high": found.high,
            }
        records.append(record)
    return pd.DataFrame(records).to_csv(index=False)


def refusals(values: pd.DataFrame) -> list[str]:
    """A sentence for each dataset and optional column whose every clip was refused, with the reason."""
    sentences = []
    for column in COLUMNS:
        of_metric = values[values["metric"] == column.metric]
        for dataset, rows in of_metric.groupby("dataset", sort=True):
            if column.optional and not (rows["status"] == "ok").any():
                sentences.append(f"{column.title} of {dataset} was not measured: {rows['reason'].iloc[0]}.")
    return sentences


def best_methods(rows: list[Row], dataset: str, column: Column) -> set[str]:
    """Methods whose mean is best among those that are not the ground truth; empty when the column cannot be judged."""
    judged = {
        row.method: row.cells[column.metric].mean
        for row in rows
        if row.dataset == dataset and row.method != GROUND_TRUTH and row.cells[column.metric].mean is not None
    }
    if len(judged) < 2 or column.better == UNJUDGED:
        return set()
    if column.better == CLOSEST:
        truth = [row.cells[column.metric].mean for row in rows if row.dataset == dataset and row.method == GROUND_TRUTH]
        if not truth or truth[0] is None:
            return set()
        scores = {method: abs(value - truth[0]) for method, value in judged.items()}
    else:
        sign = -1 if column.better == HIGHER else 1
        scores = {method: sign * value for method, value in judged.items()}
    lowest = min(scores.values())
    return {method for method, score in scores.items() if score == lowest}


def to_markdown(rows: list[Row], notes: list[str]) -> str:
    """A table for people: methods as columns, since there are more metrics than methods; mean ± sd, n where it differs."""
    lines = ["# Table 1", ""]
    for dataset in sorted({row.dataset for row in rows}):
        shown = [row for row in rows if row.dataset == dataset]
        lines += [f"## {dataset} (test split)", ""]
        lines.append("| metric | | " + " | ".join(f"{row.method} (n = {row.measured})" for row in shown) + " |")
        lines.append("|---|---|" + "---|" * len(shown))
        for column in _columns(rows):
            best = best_methods(rows, dataset, column)
            cells = [_shown(row.cells[column.metric], column, row.measured, row.method in best) for row in shown]
            lines.append(f"| {column.title} | {ARROWS[column.better]} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [
        "Mean ± standard deviation over clips; ↑ higher is better, ↓ lower, ≈ closest to the ground truth; **best**",
        "",
    ]
    lines += [f"- {note}" for note in notes] + [""]
    lines += ["| metric | meaning |", "|---|---|"]
    lines += [f"| {column.title} | {column.explanation} |" for column in _columns(rows)]
    return "\n".join(lines) + "\n"


def to_tex(rows: list[Row]) -> str:
    """A booktabs table of the means, ready for \\input."""
    arrows = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "closest": r"$\approx$", "unjudged": ""}
    names = [(row, rf"{row.dataset} / {row.method}".replace("_", r"\_")) for row in rows]
    lines = [r"% needs \usepackage{booktabs}", rf"\begin{{tabular}}{{ll{'r' * len(rows)}}}", r"\toprule"]
    lines += ["metric & & " + " & ".join(name for _, name in names) + r" \\", r"\midrule"]
    for column in _columns(rows):
        cells = []
        for row in rows:
            found = row.cells[column.metric]
            text = "--" if found.mean is None else f"{found.mean:.{column.digits}f}"
            bold = row.method in best_methods(rows, row.dataset, column)
            cells.append(rf"\textbf{{{text}}}" if bold else text)
        lines.append(f"{column.title} & {arrows[column.better]} & " + " & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _columns(rows: list[Row]) -> list[Column]:
    """The columns that the rows have, in order; without rows those that are in every table."""
    return shown_columns(rows[0].cells if rows else ())


def _shown(found: Cell, column: Column, clips: int, best: bool) -> str:
    if found.mean is None:
        return "–"
    text = f"{found.mean:.{column.digits}f}"
    text = f"**{text}**" if best else text
    if found.sd is not None:
        text += f" ± {found.sd:.{column.digits}f}"
    return text if found.n == clips else f"{text} (n = {found.n})"
