"""Table 2: share of "real" votes of each method in an opinion study, beside the shares that the paper prints."""

import pandas as pd

from dheads_model.metrics.column import UNJUDGED
from dheads_model.tables.page import page
from dheads_model.tables.paper_forms import paper_html, paper_markdown, paper_tex
from dheads_model.tables.paper_parts import Block, Head, PaperTable, Text
from dheads_model.tables.printed import DATASET_TITLES, printed_table2
from dheads_model.tables.statistics import LEAST_SPEAKERS
from dheads_model.tables.tex import PREAMBLE

HEADS = ('share of "real" votes, %', "95 % interval over raters", "Wilson", "votes", "raters")
LEGEND = (
    "A vote answers whether the video is real. Interval over raters: Student's t with the jackknife over raters, since the "
    f"votes of one rater are alike; it needs {LEAST_SPEAKERS} raters. Wilson: all votes taken for independent, which is too "
    "narrow."
)
# Of the paper's study.
_RATERS = "140"


def table2_files(table: pd.DataFrame, dataset: str) -> dict[str, str]:
    """{csv, md, tex, html}: the table as texts. table: of `opinion.table2`. dataset: whose clips were shown."""
    form = _form(table, dataset)
    return {
        "csv": table.to_csv(index=False),
        "md": "\n".join(["# Table 2", "", *paper_markdown(form)]),
        "tex": "\n".join([*PREAMBLE, *paper_tex(form, dataset)]),
        "html": page("Table 2", ["<h1>Table 2</h1>", *paper_html(form)]),
    }


def _form(table: pd.DataFrame, dataset: str) -> PaperTable:
    found = []
    for row in table.to_dict("records"):
        over = "–" if pd.isna(row["low"]) else _percent(row["low"], row["high"])
        wilson = _percent(row["wilson_low"], row["wilson_high"])
        found.append(_row(row["method"], row["real"], over, wilson, str(row["votes"]), str(row["raters"])))
    printed = [_row(row["method"], row["real"], "–", "–", "–", _RATERS) for row in printed_table2().to_dict("records")]
    other = "" if dataset == "lrw" else " (other data and raters, not comparable)"
    blocks = (
        Block(f"this study, {DATASET_TITLES.get(dataset, dataset)}", tuple(found)),
        Block(f"printed in the paper, LRW{other}", tuple(printed)),
    )
    return PaperTable(tuple(Head(title, UNJUDGED, 0) for title in HEADS), blocks, (), LEGEND)


def _row(method: str, share: float, *others: str) -> tuple[str, tuple[Text, ...]]:
    return method, tuple(Text(text) for text in (f"{100 * share:.2f}", *others))


def _percent(low: float, high: float) -> str:
    return f"[{100 * low:.1f}, {100 * high:.1f}]"
