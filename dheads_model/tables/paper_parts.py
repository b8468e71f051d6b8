"""The parts of a table in the form of the paper: heads, blocks of rows, cells with marks, footnotes."""

from dataclasses import dataclass

BEST, SECOND, PLAIN = "best", "second", ""


@dataclass(frozen=True)
class Text:
    """A cell: its text, and whether it is the best or the second best of its column."""

    text: str
    mark: str = PLAIN


@dataclass(frozen=True)
class Block:
    """Rows of one origin below a title: (name, cells) of each."""

    title: str
    rows: tuple[tuple[str, tuple[Text, ...]], ...]


@dataclass(frozen=True)
class Head:
    """A column's head: title, direction, and the number of its footnote, 0 for none."""

    title: str
    better: str
    note: int


@dataclass(frozen=True)
class PaperTable:
    """heads of all columns after that of the rows' names; blocks; the footnotes, number 1 first; what the marks mean."""

    heads: tuple[Head, ...]
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    legend: str
