"""Texts of other people (speakers, words, reasons) as cells of tables that are opened by programs which obey some of them."""

import pandas as pd

# A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_cell(text: str) -> str:
    """The text, after an apostrophe where a spreadsheet would calculate it."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def csv_table(table: pd.DataFrame) -> str:
    """A table as CSV, all its texts as `csv_cell`; numbers stay numbers."""
    safe = table.map(lambda value: csv_cell(value) if isinstance(value, str) else value)
    return safe.rename(columns=csv_cell).to_csv(index=False)


def markdown_cell(text: str) -> str:
    """The text in one line without the signs that end a cell or begin HTML or a link."""
    line = " ".join(text.split())
    for sign in "\\|`<>[]*":
        line = line.replace(sign, f"\\{sign}")
    return line
