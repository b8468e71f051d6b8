"""Escaping of external texts (speakers, words, reasons) in table cells, against formula and markup injection."""

import pandas as pd

# A spreadsheet interprets a cell that begins with one of these as a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_cell(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would interpret it as a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def csv_table(table: pd.DataFrame) -> str:
    """A table as CSV, with all texts escaped by `csv_cell`; numbers are unchanged."""
    safe = table.map(lambda value: csv_cell(value) if isinstance(value, str) else value)
    return safe.rename(columns=csv_cell).to_csv(index=False)


def markdown_cell(text: str) -> str:
    """The text in one line, with the characters escaped that end a cell or begin HTML or a link."""
    line = " ".join(text.split())
    for sign in "\\|`<>[]*":
        line = line.replace(sign, f"\\{sign}")
    return line
