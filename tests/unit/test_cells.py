"""Texts of other people in tables."""

import csv
import io

import pandas as pd

from dheads_model.tables.cells import csv_table, markdown_cell
from dheads_model.tables.data_card import ClipFate, card, markdown


def test_a_spreadsheet_calculates_nothing_and_numbers_stay_numbers():
    hostile = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", " =1+1", "\t=1", "plain", "a=b", ""]
    table = pd.DataFrame({"speaker": hostile, "value": [-0.5] * len(hostile), "=title": 1})
    rows = list(csv.DictReader(io.StringIO(csv_table(table))))
    assert [row["speaker"] for row in rows] == [f"'{text}" for text in hostile[:6]] + hostile[6:]
    assert {row["value"] for row in rows} == {"-0.5"}
    assert "'=title" in rows[0]


def test_a_cell_of_markdown_stays_one():
    assert markdown_cell("a | b\n<script>[x](y) `c`") == r"a \| b \<script\>\[x\](y) \`c\`"


def test_the_data_card_holds_speakers_and_reasons_as_texts():
    fates = [
        ClipFate(
            "folder", "test", '=HYPERLINK("http://host")', "one", "source", "failed", "unreadable", "a|b\nc", 0, ""
        ),
        ClipFate("folder", "test", "-5", "two", "shard", "ok", "", "", 25, ""),
    ]
    table = card(fates)
    rows = list(csv.DictReader(io.StringIO(csv_table(table))))
    assert {row["speaker"] for row in rows} == {"all", "'-5", '\'=HYPERLINK("http://host")'}
    page = markdown(fates, table, {})
    assert r"| folder | one | source | failed | unreadable | a\|b c |" in page
