"""The tables in LaTeX: they fit on a page, and a document that reads them compiles."""

import dataclasses
import re
import shutil
import subprocess

import pandas as pd
import pytest

from dheads_model.metrics.distance_registry import DISTANCES
from dheads_model.tables.columns import COLUMNS
from dheads_model.tables.distance_cells import with_distances
from dheads_model.tables.opinion import table2
from dheads_model.tables.statistics import NOT_APPLICABLE, Cell, Difference
from dheads_model.tables.table1 import make_rows, to_tex
from dheads_model.tables.table2 import table2_files
from dheads_model.tables.table3 import table3_files
from dheads_model.tables.tex import LINE, PAGE, TexColumn, tabulars, tex
from tests.factories.tables import rows_of

KINDS = {
    "ours": "model", "ground_truth": "ground_truth", "frozen_first_frame": "frozen_first_frame",
    "linear_regression": "linear_regression",
} | {f"ours_radius{n}_grey": "model" for n in range(4)}  # fmt: skip
MISSING = Cell(
    None, None, 0, None, None,
    "not computed: weights missing (snakemake --cores 1 resources/weights/weights-inception-2015-12-05-6726825d.pth)",
)  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> dict[str, str]:
    """Tables 1, 2 and 3 in LaTeX, with every column there is and eight methods."""
    values = [rows_of("mouth_truth_correlation", method, [0.1, 0.2, 0.3]) for method in KINDS]
    full = Cell(12345.678, 12.345, 2, -12345.678, 12345.678)
    difference = Difference(-12345.678, 2, -12345.678, -1.0)
    rows = [
        row if row.kind == "linear_regression"
        else dataclasses.replace(
            row, cells={column.metric: full for column in COLUMNS} | dict.fromkeys(DISTANCES["fid_tf1"].names(), MISSING),
            differences=dict.fromkeys(row.cells, difference) if row.method != "ours" else {}, best=frozenset(row.cells),
        )
        for row in with_distances(make_rows(pd.concat(values), KINDS, {}, "ours"), [], {"fid_tf1": MISSING.why})
    ]  # fmt: skip
    cells = {column.metric: NOT_APPLICABLE for column in COLUMNS}
    rows = [dataclasses.replace(row, cells=cells | row.cells) for row in rows]
    votes = pd.DataFrame(
        [{"rater": f"r{n}", "item": f"i{m}", "method": method, "real": n % 2}
         for n in range(4) for m, method in enumerate(("ours", "ground_truth"))]
    )  # fmt: skip
    varied = [{"audio_radius": n, "motion_channels": 1, "method": f"ours_radius{n}_grey"} for n in range(4)]
    return {
        "table1": to_tex(rows),
        "table2": table2_files(table2(votes, ["ours", "ground_truth"]), "embedded")["tex"],
        "table3": table3_files(rows, varied)["tex"],
    }


def test_wide_and_long_tables_are_cut_and_every_cell_is_there_once():
    columns = [TexColumn(f"method{n}", tuple(f"c{n}r{row}" for row in range(70))) for n in range(20)]
    lead = [TexColumn("metric", tuple(f"metric {row}" for row in range(70)), left=True)]
    parts = "\n".join(tabulars(lead, columns, {})).split(r"\begin{tabular}")[1:]
    assert len(parts) > 4
    for part in parts:
        lines = [line for line in part.splitlines() if line.endswith(r"\\")]
        assert len(lines) <= PAGE + 1
        assert max(map(len, lines)) < LINE * 1.5
        assert part.count("metric ") == len(lines), "the first column is repeated"
    assert sorted(re.findall(r"c\d+r\d+", "".join(parts))) == sorted(
        cell for column in columns for cell in column.cells
    )


def test_texts_have_no_sign_that_latex_cannot_set(tables):
    for text in tables.values():
        assert {sign for sign in text if ord(sign) > 127} <= set("éü"), "letters of Latin-1 alone"
    assert tex('share of "real" votes') == "share of ``real'' votes"
    assert tex("50 % of {a_b} & <c> ± 1 – 2") == r"50 \% of \{a\_b\} \& $<$c$>$ $\pm$ 1 -- 2"


@pytest.mark.parametrize("document", ["article", "article twocolumn"])
def test_a_document_with_the_tables_compiles_and_nothing_leaves_the_page(tables, tmp_path, document):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    for name, text in tables.items():
        (tmp_path / f"{name}.tex").write_text(text, encoding="utf-8")
    name, _, option = document.partition(" ")
    (tmp_path / "all.tex").write_text(
        "\n".join(
            [rf"\documentclass[{option}]{{{name}}}", r"\usepackage{booktabs,graphicx}", r"\begin{document}",
             *(rf"\input{{{table}}}" for table in tables), r"\end{document}"]
        )
    )  # fmt: skip
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-3000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide", log)]
    high = [float(points) for points in re.findall(r"Overfull \\vbox \(([\d.]+)pt too high", log)]
    assert max(wide, default=0) < 15 and max(high, default=0) < 5, log[-3000:]
