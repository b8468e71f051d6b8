"""Table 1: one row per dataset and method, one column per metric."""

from dataclasses import dataclass, field

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.method_kinds import GROUND_TRUTH, REAL, WITHOUT_VIDEOS
from dheads_model.metrics import measurement
from dheads_model.metrics.distribution import SetMeasurement
from dheads_model.shards.index import UNKNOWN_SPEAKER
from dheads_model.tables.columns import CLOSEST, COLUMNS, UNJUDGED, Column, shown_columns
from dheads_model.tables.distance_cells import DISTANCE_COLUMNS, distance_record, uncomputed_note
from dheads_model.tables.paper_columns import paper_first
from dheads_model.tables.paper_forms import ARROWS, TEX_ARROWS, paper_markdown, paper_tex, tex_marked
from dheads_model.tables.paper_parts import BEST, PLAIN, SECOND, Text
from dheads_model.tables.paper_table import paper_table
from dheads_model.tables.statistics import (
    LEAST_SPEAKERS,
    NOT_APPLICABLE,
    Cell,
    Difference,
    cell,
    count_speakers,
    difference,
    loss_difference,
)
from dheads_model.tables.tex import PREAMBLE, TexColumn, tabulars, tex

LEGEND = (
    "Mean ± standard deviation over clips, [95 % interval of the mean: t over speakers]; ↑ higher is better, ↓ lower, ≈ "
    "closest to the ground truth; **best**: better than every other method but real videos, on the same clips, by a "
    "difference whose 95 % interval excludes 0 (one interval a column, not corrected for their number); *second best*: the "
    "same without the best, where three methods are compared"
)


@dataclass(frozen=True)
class Row:
    """One dataset and method: its cells by metric, and its clips (measured, and all) and speakers.

    differences: by metric, from the method `reference` of the same dataset, empty for that method itself and without its
    row. best, second: metrics in which it is better than every other method, or than every other but the best, see
    `make_rows`. distances: distances of its set of clips from the real ones that were measured, by metric; their cells are
    in `cells` too (distance_cells.py).
    """

    dataset: str
    method: str
    kind: str
    cells: dict[str, Cell]
    measured: int
    clips: int
    speakers: int
    reference: str
    differences: dict[str, Difference]
    best: frozenset[str]
    second: frozenset[str]
    distances: dict[str, SetMeasurement] = field(default_factory=dict)


def make_rows(values: pd.DataFrame, kinds: dict[str, str], lost: dict, reference: str) -> list[Row]:
    """Rows in the order of `kinds` ({method: kind}). values: tidy metrics of all clips; lost: {(dataset, method): number
    of clips that could not be measured}; reference: the method from which differences are computed.

    A method is best in a metric if it is better than every other one that makes videos, by a paired difference
    whose 95 % interval excludes 0; so none of two equal ones is best, and none with few speakers. The second best is the
    best of the others where they are at least two. Raises UserError when nothing was measured.
    """
    if values.empty:
        raise UserError("no clip was measured: the test split is empty; results/data_card.md has the reasons.")
    columns = shown_columns(set(values["metric"]))
    rows = []
    for dataset, of_dataset in values.groupby("dataset", sort=True):
        by_method = {
            method: dict(iter(of_method.groupby("metric")))
            for method, of_method in of_dataset.groupby("method")
            if method in kinds
        }
        ranked = {column.metric: _ranked(by_method, kinds, column) for column in columns}
        for method in (name for name in kinds if name in by_method):
            mine, clips = by_method[method], of_dataset[of_dataset["method"] == method].drop_duplicates("clip")
            theirs = by_method.get(reference, {}) if method != reference else {}
            rows.append(
                Row(
                    str(dataset), method, kinds[method],
                    {c.metric: _cell(mine, c, kinds[method]) for c in columns},
                    len(clips), len(clips) + lost.get((dataset, method), 0), count_speakers(clips), reference,
                    {c.metric: difference(mine[c.metric], theirs[c.metric], c)
                     for c in columns if c.metric in mine and c.metric in theirs},
                    frozenset(metric for metric, (best, _) in ranked.items() if best == method),
                    frozenset(metric for metric, (_, second) in ranked.items() if second == method),
                )
            )  # fmt: skip
    return rows


def _cell(mine: dict[str, pd.DataFrame], column: Column, kind: str) -> Cell:
    """The cell of a method in a column, from its rows by metric."""
    if column.metric in mine:
        return cell(mine[column.metric], column)
    return NOT_APPLICABLE if kind in WITHOUT_VIDEOS else Cell(None, None, 0, None, None)


def _ranked(
    by_method: dict[str, dict[str, pd.DataFrame]], kinds: dict[str, str], column: Column
) -> tuple[str | None, str | None]:
    """(the method that is better than every other ranked one, the one that is better than the rest); None for none, and
    where the column is not judged."""
    rows = {method: found[column.metric] for method, found in by_method.items() if column.metric in found}
    judged = {
        method: of_method
        for method, of_method in rows.items()
        if kinds[method] not in (*REAL, *WITHOUT_VIDEOS) and (of_method["status"] == "ok").any()
    }
    truth = [of_method for method, of_method in rows.items() if kinds[method] == GROUND_TRUTH]
    if column.better == UNJUDGED or (column.better == CLOSEST and not truth):
        return None, None
    best = _winner(judged, truth, column)
    others = {method: of_method for method, of_method in judged.items() if method != best}
    return best, _winner(others, truth, column) if best else None


def _winner(judged: dict[str, pd.DataFrame], truth: list[pd.DataFrame], column: Column) -> str | None:
    if len(judged) < 2:
        return None
    for method, mine in judged.items():
        losses = [
            loss_difference(mine, theirs, truth[0] if truth else theirs, column)
            for other, theirs in judged.items()
            if other != method
        ]
        if all(loss.excludes_zero and loss.mean < 0 for loss in losses):
            return method
    return None


def to_csv(rows: list[Row]) -> str:
    """CSV with full precision, nine columns per metric: mean, sd, n, the ends of the 95 % interval, and the same except sd
    for the difference from the reference, paired by clip. Distances between sets have other ones, see `distance_record`."""
    records = []
    for row in rows:
        record = {
            "dataset": row.dataset, "method": row.method, "clips": row.clips, "measured": row.measured,
            "speakers": row.speakers,
        }  # fmt: skip
        for column in columns_of([row]):
            if column.metric in DISTANCE_COLUMNS:
                distance = row.distances.get(column.metric)
                record |= distance_record(column.metric, distance, row.cells[column.metric])
                continue
            found, paired = (
                row.cells[column.metric],
                row.differences.get(column.metric, Difference(None, 0, None, None)),
            )
            record |= {
                column.metric: found.mean,
                f"{column.metric}_sd": found.sd,
                f"{column.metric}_n": found.n,
                f"{column.metric}_low": found.low,
                f"{column.metric}_high": found.high,
                f"{column.metric}_difference": paired.mean,
                f"{column.metric}_difference_n": paired.n,
                f"{column.metric}_difference_low": paired.low,
                f"{column.metric}_difference_high": paired.high,
            }
        records.append(record)
    return pd.DataFrame(records).to_csv(index=False)


def refusals(values: pd.DataFrame) -> list[str]:
    """Sentences on columns that were not computed, and one for each dataset and optional column whose every clip was refused,
    with the reason."""
    sentences = []
    uncomputed: dict[str, list[str]] = {}
    for column in COLUMNS:
        of_metric = values[(values["metric"] == column.metric) & (values["status"] != measurement.NOT_APPLICABLE)]
        for dataset, rows in of_metric.groupby("dataset", sort=True):
            if (rows["status"] == measurement.NOT_COMPUTED).all():
                uncomputed.setdefault(rows["reason"].iloc[0], []).append(f"{column.title} of {dataset}")
            elif column.optional and not (rows["status"] == "ok").any():
                sentences.append(f"{column.title} of {dataset} was not measured: {rows['reason'].iloc[0]}.")
    return sentences + [uncomputed_note(titles, why) for why, titles in uncomputed.items()]


def interval_notes(rows: list[Row]) -> list[str]:
    """Sentences on missing intervals and on missing differences."""
    notes = []
    for dataset in sorted({row.dataset for row in rows}):
        shown = [row for row in rows if row.dataset == dataset]
        speakers = max(row.speakers for row in shown)
        if speakers < LEAST_SPEAKERS:
            notes.append(
                f"{dataset} has no intervals and no best: its measured test clips are of {speakers} speaker"
                f"{'s' if speakers > 1 else ''}, and clips of one speaker are alike; intervals need {LEAST_SPEAKERS} speakers."
            )
        elif any(found.n and found.low is None for row in shown for found in row.cells.values()):
            notes.append(f"A cell of {dataset} without an interval has clips of fewer than {LEAST_SPEAKERS} speakers.")
        if shown[0].reference not in {row.method for row in shown}:
            notes.append(f"{dataset} has no differences: {shown[0].reference} (table1.reference) has no row.")
    return notes


def without_videos_notes(rows: list[Row]) -> list[str]:
    """A sentence for each method that makes no videos."""
    methods = dict.fromkeys(row.method for row in rows if row.kind in WITHOUT_VIDEOS)
    return [
        f"{method} makes no videos: a ridge regression, fitted on the training clips, predicts the mouth opening of each frame "
        "from the audio of five frames, so only mouth-truth corr. applies. It is not ranked."
        for method in methods
    ]


def unknown_speaker_notes(values: pd.DataFrame) -> list[str]:
    """A sentence for each dataset that names no speakers."""
    named = values[values["speaker"] == UNKNOWN_SPEAKER] if "speaker" in values else values
    return [
        f"{dataset} names no speakers, so its intervals count clips; they are too narrow where clips share a speaker."
        for dataset in sorted(set(named["dataset"]))
    ]


def to_markdown(rows: list[Row], notes: list[str]) -> str:
    """Markdown table with methods as columns, because there are more metrics than methods: mean ± sd, interval, and n if
    it differs. Below it the differences from the reference."""
    lines = ["# Table 1", ""]
    for dataset in sorted({row.dataset for row in rows}):
        shown = [row for row in rows if row.dataset == dataset]
        lines += [f"## {dataset} (test split)", "", *paper_markdown(paper_table(shown)), "All metrics:", ""]
        lines.append("| metric | | " + " | ".join(f"{row.method} (n = {row.measured})" for row in shown) + " |")
        lines.append("|---|---|" + "---|" * len(shown))
        for column in paper_first(columns_of(rows)):
            cells = [shown_cell(row, column) for row in shown]
            lines.append(f"| {column.title} | {ARROWS[column.better]} | " + " | ".join(cells) + " |")
        lines += ["", *_differences_markdown([row for row in shown if row.differences])]
    lines += [LEGEND, ""]
    lines += [f"- {note}" for note in notes] + [""]
    lines += ["| metric | meaning |", "|---|---|"]
    lines += [f"| {column.title} | {column.explanation} |" for column in paper_first(columns_of(rows))]
    return "\n".join(lines) + "\n"


def _differences_markdown(shown: list[Row]) -> list[str]:
    if not shown:
        return []
    reference = shown[0].reference
    lines = [f"Difference from {reference}, clip by clip, [95 % interval]; **bold** where it excludes 0:", ""]
    lines.append("| metric | " + " | ".join(f"{row.method} − {reference}" for row in shown) + " |")
    lines.append("|---|" + "---|" * len(shown))
    lines += [f"| {' | '.join(line)} |" for line in shown_differences(shown)]
    return [*lines, ""]


def shown_differences(shown: list[Row]) -> list[list[str]]:
    """Title and differences of the rows from their reference, for each column."""
    return [
        [column.title, *(_shown_difference(row.differences.get(column.metric), column, row.measured) for row in shown)]
        for column in _paired_columns(shown)
    ]


def to_tex(rows: list[Row]) -> str:
    """Booktabs tables for \\input: for each dataset the paper's columns with the printed rows, the means of all metrics, and the
    differences from the reference."""
    lines = list(PREAMBLE)
    for dataset in sorted({row.dataset for row in rows}):
        shown = [row for row in rows if row.dataset == dataset]
        lines += paper_tex(paper_table(shown), dataset)
        found = paper_first(columns_of(rows))
        lines += [
            f"% {dataset}: all metrics",
            *tabulars(_tex_lead(found), [_tex_means(row, found) for row in shown], {}),
        ]
        if differing := [row for row in shown if row.differences]:
            paired = _paired_columns(rows)
            columns = [_tex_differences(row, paired) for row in differing]
            lines += [f"% {dataset}: differences, clip by clip, with 95 % intervals"]
            lines += tabulars(_tex_lead(paired)[:1], columns, {})
    return "\n".join(lines) + "\n"


def _tex_lead(columns: list[Column]) -> list[TexColumn]:
    titles = tuple(tex(column.title) for column in columns)
    return [
        TexColumn("metric", titles, left=True), TexColumn("", tuple(TEX_ARROWS[column.better] for column in columns), left=True),
    ]  # fmt: skip


def _tex_means(row: Row, columns: list[Column]) -> TexColumn:
    cells = []
    for column in columns:
        found = row.cells[column.metric]
        text = found.why.partition(":")[0] or "–" if found.mean is None else f"{found.mean:.{column.digits}f}"
        cells.append(tex_marked(Text(text, {"**": BEST, "*": SECOND}.get(_mark(row, column), PLAIN))))
    return TexColumn(tex(f"{row.method} (n = {row.measured})"), tuple(cells))


def _tex_differences(row: Row, columns: list[Column]) -> TexColumn:
    cells = (_tex_difference(row.differences.get(column.metric), column) for column in columns)
    return TexColumn(tex(f"{row.method} − {row.reference}"), tuple(cells))


def columns_of(rows: list[Row]) -> list[Column]:
    """The columns of the rows, in order; without rows those of every table."""
    return shown_columns(rows[0].cells if rows else ())


def _paired_columns(rows: list[Row]) -> list[Column]:
    """The columns that have a value a clip, so that differences can be paired, those of the paper first."""
    return [column for column in paper_first(columns_of(rows)) if column.metric not in DISTANCE_COLUMNS]


def shown_cell(row: Row, column: Column) -> str:
    """A cell in markdown: mean ± sd, interval, and n if it differs from that of the row; a reason or a dash without a value."""
    return _shown(row.cells[column.metric], column, row.measured, _mark(row, column))


def _mark(row: Row, column: Column) -> str:
    return "**" if column.metric in row.best else "*" if column.metric in row.second else ""


def _shown(found: Cell, column: Column, clips: int, mark: str) -> str:
    if found.mean is None:
        return found.why or "–"
    digits = column.digits
    text = f"{mark}{found.mean:.{digits}f}{mark}"
    if found.sd is not None:
        text += f" ± {found.sd:.{digits}f}"
    if found.low is not None:
        text += f" [{found.low:.{digits}f}, {found.high:.{digits}f}]"
    return text if found.n == clips else f"{text} (n = {found.n})"


def _shown_difference(found: Difference | None, column: Column, clips: int) -> str:
    if found is None or found.mean is None:
        return "–"
    digits = column.digits
    text = f"**{found.mean:+.{digits}f}**" if found.excludes_zero else f"{found.mean:+.{digits}f}"
    if found.low is not None:
        text += f" [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
    return text if found.n == clips else f"{text} (n = {found.n})"


def _tex_difference(found: Difference | None, column: Column) -> str:
    if found is None or found.mean is None:
        return "--"
    digits = column.digits
    text = rf"\textbf{{{found.mean:+.{digits}f}}}" if found.excludes_zero else f"{found.mean:+.{digits}f}"
    return text if found.low is None else f"{text} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
