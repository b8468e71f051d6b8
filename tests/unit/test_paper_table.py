"""Table 1 in the form of the paper: order of columns, printed rows, marks, and what stands where nothing was computed."""

import dataclasses
import re

import pandas as pd
import pytest

from dheads_model.tables.paper_columns import PAPER_COLUMNS, paper_first
from dheads_model.tables.paper_parts import BEST, SECOND
from dheads_model.tables.paper_table import paper_table
from dheads_model.tables.printed import printed_table1, printed_table2, printed_table3
from dheads_model.tables.ranking import best_two
from dheads_model.tables.statistics import Cell
from dheads_model.tables.table1 import columns_of, make_rows, to_markdown, to_tex
from dheads_model.tables.table1_html import to_html
from tests.factories.tables import rows_of

KINDS = {
    "ours": "model", "wav2lip": "videos", "ground_truth": "ground_truth", "frozen": "frozen_first_frame",
}  # fmt: skip
TITLES = ["FVD", "FID", "blinks/s", "blink duration, s", "OFM", "F-MSE", "AV offset", "AV conf.", "WER"]


def rows_on(dataset):
    tables = [
        rows_of(metric, method, [base + step for step in (0.0, 0.1, 0.2)])
        for metric, values in (
            ("ofm_paper", (60.0, 50.0, 62.0, 43.0)), ("psnr", (20.0, 24.0, 31.0, 22.0)), ("optical_flow", (1, 2, 3, 4)),
        )
        for method, base in zip(KINDS, values, strict=True)
    ]  # fmt: skip
    return make_rows(pd.concat(tables).assign(dataset=dataset), KINDS, {}, "ours")


def column(table, title):
    return [head.title for head in table.heads].index(title)


def test_the_papers_columns_come_first_in_its_order():
    assert [one.title for one in PAPER_COLUMNS] == TITLES
    shown = [one.metric for one in paper_first(columns_of(rows_on("lrw")))]
    assert shown[:4] == ["blinks_per_second", "blink_duration", "ofm_paper", "optical_flow"]
    assert sorted(shown) == sorted(one.metric for one in columns_of(rows_on("lrw")))


def test_a_corpus_of_the_paper_has_its_printed_rows_and_another_one_both():
    lrw = paper_table(rows_on("lrw"))
    assert [block.title for block in lrw.blocks] == ["this run, LRW, test split", "printed in the paper, LRW"]
    assert [name for name, _ in lrw.blocks[1].rows][:2] == ["SDA", "MakeItTalk"]
    other = paper_table(rows_on("embedded"))
    assert [block.title for block in other.blocks[1:]] == [
        "printed in the paper, CREMA-D (other data, not comparable)",
        "printed in the paper, LRW (other data, not comparable)",
    ]


def test_what_is_not_computed_says_so_with_a_reason():
    table = paper_table(rows_on("lrw"))
    wer = column(table, "WER")
    assert {cells[wer].text for _, cells in table.blocks[0].rows} == {"not computed"}
    assert table.notes[table.heads[wer].note - 1].startswith("not computed: ")


def test_the_word_error_of_whichever_reader_was_asked_for_fills_the_column():
    asked = "not requested; see config key metrics.wer_dctcn or metrics.wer_mstcn"
    without = paper_table(rows_on("lrw"))
    assert asked in without.notes[without.heads[column(without, "WER")].note - 1]
    rows = [
        dataclasses.replace(row, cells=row.cells | {"wer_mstcn": Cell(0.25, 0.5, 3, None, None)})
        for row in rows_on("lrw")
    ]
    table = paper_table(rows)
    wer = column(table, "WER")
    assert {cells[wer].text for _, cells in table.blocks[0].rows} == {"0.250 ± 0.500"}
    note = table.notes[table.heads[wer].note - 1]
    assert note.startswith("WER (MS-TCN); ") and "the paper's own reader is not public" in note


def test_a_cell_that_says_why_it_is_empty_is_shown_with_its_reason_as_a_note():
    why = "not computed: weights missing (snakemake fetch)"
    rows = [
        dataclasses.replace(row, cells=row.cells | {"ofm_paper": Cell(None, None, 0, None, None, why)})
        for row in rows_on("lrw")
    ]
    rows = [dataclasses.replace(row, cells={k: v for k, v in row.cells.items() if k != "optical_flow"}) for row in rows]
    table = paper_table(rows)
    ofm = column(table, "OFM")
    assert {cells[ofm].text for _, cells in table.blocks[0].rows} == {"not computed"}
    assert table.notes[table.heads[ofm].note - 1].startswith(why)


def test_the_published_variant_is_preferred_and_named():
    table = paper_table(rows_on("lrw"))
    ofm = column(table, "OFM")
    texts = dict(table.blocks[0].rows)
    assert texts["ours (n = 3)"][ofm].text == "60.10 ± 0.10"
    assert "OFM (published)" in table.notes[table.heads[ofm].note - 1]


def test_our_second_best_needs_three_methods_and_no_chance():
    rows = {row.method: row for row in rows_on("lrw")}
    assert (rows["wav2lip"].best, rows["frozen"].second) == ({"psnr"}, {"psnr"})
    assert rows["ours"].best == {"ofm_paper"}, "nearest to the ground truth's 62"
    assert rows["wav2lip"].second == {"ofm_paper"}
    assert rows["ground_truth"].best == rows["ground_truth"].second == frozenset()
    two = make_rows(
        pd.concat([rows_of("psnr", "ours", [1.0, 2.0, 3.0]), rows_of("psnr", "frozen", [0.0, 1.1, 2.0])]),
        KINDS,
        {},
        "ours",
    )
    assert [row.second for row in two] == [frozenset(), frozenset()]


def test_printed_values_are_ranked_by_direction_without_the_ground_truth():
    table = paper_table(rows_on("crema_d"))
    cells = dict(table.blocks[1].rows)
    fvd, blinks = column(table, "FVD"), column(table, "blinks/s")
    assert (cells["Diffused Heads"][fvd].mark, cells["Wav2Lip (still image)"][fvd].mark) == (BEST, SECOND)
    assert cells["SDA"][blinks].mark == BEST, "0.25 is nearest to 0.24"
    assert {cell.mark for cell in cells["ground truth"]} == {""}
    assert best_two({"a": 1.0, "b": 1.0, "c": 2.0}, "lower", None) == ({"a", "b"}, set())
    assert (
        best_two({"a": 1.0, "b": None}, "lower", None)
        == best_two({"a": 1.0, "b": 2.0}, "closest", None)
        == (set(), set())
    )


def test_the_kept_numbers_are_those_of_the_paper():
    table = printed_table1().set_index(["dataset", "method"])
    assert table.loc[("crema_d", "Diffused Heads"), "fvd"] == 88.61
    assert table.loc[("lrw", "Diffused Heads"), "fid"] == 3.94
    assert len(table) == 14
    assert set(printed_table1().columns) == {"dataset", "method", *(one.key for one in PAPER_COLUMNS)}
    assert printed_table2().set_index("method").loc["Diffused Heads", "real"] == 0.6872
    third = printed_table3().set_index(["audio_radius", "motion_channels"])
    assert (third["psnr"].idxmax(), third["wer"].idxmin(), len(third)) == ((2, 1), (2, 3), 8)


@pytest.mark.parametrize("dataset", ["lrw", "embedded"])
def test_markdown_tex_and_html_tell_the_same(dataset):
    rows = rows_on(dataset)
    markdown, tex, page = to_markdown(rows, ["a <note>"]), to_tex(rows), to_html(rows, ["a <note>"])
    assert "| ours (n = 3) | not computed | not computed |" in markdown
    assert r"ours (n = 3) & not computed & not computed &" in tex
    assert "<tr><th>ours (n = 3)</th><td>not computed</td>" in page
    assert "**60.10 ± 0.10**" in markdown
    assert r"\textbf{60.10 $\pm$ 0.10}" in tex
    assert "<b>60.10 ± 0.10</b>" in page
    assert "*50.10 ± 0.10*" in markdown
    assert r"\textit{50.10 $\pm$ 0.10}" in tex
    assert "<i>50.10 ± 0.10</i>" in page
    assert "<li>a &lt;note&gt;</li>" in page
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}")
    for line in tex.splitlines():
        if line.endswith(r"\\"):
            assert not re.search(r"(?<!\\)[_%#±]", line), line
    assert page.count("<table") == page.count("</table>") == 4
    assert "*" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)
