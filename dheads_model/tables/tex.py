"""Tables as LaTeX to be read by \\input in any document: booktabs, cut into parts and shrunk where the page is too narrow."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Shrinks a box to the line's width and never enlarges it.
PREAMBLE = [
    r"% needs \usepackage{booktabs,graphicx}",
    r"\providecommand{\dheadsfit}[1]{\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{#1}}",
]
# A tabular has at most so many characters in a line and lines: on a page of the class article \footnotesize is shrunk by a tenth
# then.
LINE, PAGE = 105, 50
_GAP = 2
_SIGNS = {
    "\\": r"\textbackslash{}", "±": r"$\pm$", "–": "--", "−": "$-$", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#",
    "$": r"\$", "{": r"\{", "}": r"\}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$",
    "≈": r"$\approx$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "∞": r"$\infty$", "×": r"$\times$", "→": r"$\to$",
}  # fmt: skip
_MINUS = re.compile(r"(?<![\w-])-(?=\d)")
_COMMAND = re.compile(r"\\[a-zA-Z]+|[\\${}^]")


@dataclass(frozen=True)
class TexColumn:
    """Head and cells of a column, in LaTeX; left: whether it is aligned there."""

    head: str
    cells: tuple[str, ...]
    left: bool = False

    @property
    def width(self) -> int:
        """Characters of its widest cell, roughly."""
        return max(len(_COMMAND.sub("", text)) for text in (self.head, *self.cells)) + _GAP


def tex(text: str) -> str:
    """A text with the characters escaped that LaTeX reads as commands or has no letter for, and with its quotation marks."""
    return re.sub(r'"([^"]*)"', r"``\1''", "".join(_SIGNS.get(sign, sign) for sign in text))


def tex_note(text: str) -> str:
    """A note of a table as a paragraph; commands and paths in it may be broken at _ and /."""
    return tex(text).replace(r"\_", r"\_\allowbreak{}").replace("/", r"/\allowbreak{}")


def tabulars(lead: Sequence[TexColumn], columns: Sequence[TexColumn], titles: Mapping[int, str]) -> list[str]:
    """Lines of booktabs tabulars, one below the other: as many columns after the lead, and rows, in each as fit on a page.

    titles: {row: a title in LaTeX that stands in a line of its own above it}.
    """
    lines = []
    for part in _even_parts(columns, LINE - sum(column.width for column in lead)):
        for first in range(0, len(lead[0].cells), PAGE):
            shown = range(first, min(first + PAGE, len(lead[0].cells)))
            lines += _tabular([*lead, *part], shown, titles)
    return lines


def _even_parts(columns: Sequence[TexColumn], room: int) -> list[list[TexColumn]]:
    """As few parts as fit into `room` characters, the widest of them as narrow as their number allows."""
    fewest = len(_parts(columns, room))
    return next(parts for width in range(1, room + 1) if len(parts := _parts(columns, width)) == fewest)


def _parts(columns: Sequence[TexColumn], room: int) -> list[list[TexColumn]]:
    """The columns in order, cut where they are wider than `room` characters."""
    parts: list[list[TexColumn]] = [[]]
    for column in columns:
        if parts[-1] and sum(one.width for one in parts[-1]) + column.width > room:
            parts.append([])
        parts[-1].append(column)
    return parts


def _tabular(columns: Sequence[TexColumn], shown: range, titles: Mapping[int, str]) -> list[str]:
    sides = "".join("l" if column.left else "r" for column in columns)
    lines = [r"{\par\medskip\noindent\footnotesize\setlength{\tabcolsep}{4pt}\dheadsfit{%"]
    lines += [rf"\begin{{tabular}}{{{sides}}}", r"\toprule", _row([column.head for column in columns])]
    if shown.start not in titles:
        lines.append(r"\midrule")
    for number in shown:
        if number in titles:
            lines += [r"\midrule", rf"\multicolumn{{{len(columns)}}}{{l}}{{\emph{{{titles[number]}}}}} \\"]
        lines.append(_row([_MINUS.sub("$-$", column.cells[number]) for column in columns]))
    return [*lines, r"\bottomrule", r"\end{tabular}}\par}", ""]


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
