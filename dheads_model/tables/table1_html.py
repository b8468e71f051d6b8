"""Table 1 as one HTML page that needs no other file."""

import html
import re

from dheads_model.tables.page import page
from dheads_model.tables.paper_columns import paper_first
from dheads_model.tables.paper_forms import ARROWS, paper_html
from dheads_model.tables.paper_table import paper_table
from dheads_model.tables.table1 import LEGEND, Row, columns_of, shown_cell, shown_differences


def to_html(rows: list[Row], notes: list[str]) -> str:
    """The page: for each dataset the paper's columns with the printed rows, all metrics, and the differences from the
    reference; notes and meanings below. The same cells as in the markdown."""
    body = ["<h1>Table 1</h1>"]
    for dataset in sorted({row.dataset for row in rows}):
        shown = [row for row in rows if row.dataset == dataset]
        body += [f"<h2>{html.escape(dataset)} (test split)</h2>", *paper_html(paper_table(shown))]
        body += ["<h3>All metrics</h3>", *_metrics(shown)]
        if differing := [row for row in shown if row.differences]:
            reference = differing[0].reference
            body += [f"<h3>Difference from {html.escape(reference)}, clip by clip, [95 % interval]</h3>"]
            body += _table(
                ["metric", *(f"{row.method} − {reference}" for row in differing)], shown_differences(differing)
            )
    body += [f"<p>{_bold(LEGEND)}</p>", "<ul>", *(f"<li>{html.escape(note)}</li>" for note in notes), "</ul>"]
    if rows:
        meanings = [[column.title, column.explanation] for column in paper_first(columns_of(rows))]
        body += ["<h3>Metrics</h3>", *_table(["metric", "meaning"], meanings, "meanings")]
    return page("Table 1", body)


def _metrics(shown: list[Row]) -> list[str]:
    head = ["metric", "", *(f"{row.method} (n = {row.measured})" for row in shown)]
    lines = [
        [column.title, ARROWS[column.better], *(shown_cell(row, column) for row in shown)]
        for column in paper_first(columns_of(shown))
    ]
    return _table(head, lines)


def _table(head: list[str], lines: list[list[str]], kind: str = "") -> list[str]:
    found = [
        f'<div class="scroll"><table class="{kind}">',
        "<thead><tr>" + _cells(head, "th") + "</tr></thead>",
        "<tbody>",
    ]
    found += [f"<tr>{_cells(line[:1], 'th')}{_cells(line[1:], 'td')}</tr>" for line in lines]
    return [*found, "</tbody></table></div>"]


def _cells(texts: list[str], tag: str) -> str:
    return "".join(f"<{tag}>{_bold(text)}</{tag}>" for text in texts)


def _bold(text: str) -> str:
    """A cell of the markdown as HTML: its two marks as elements, the rest escaped."""
    escaped = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text))
    return re.sub(r"\*(.+?)\*", r"<i>\1</i>", escaped)
