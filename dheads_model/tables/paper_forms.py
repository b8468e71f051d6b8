"""A table in the form of the paper as markdown, LaTeX and HTML."""

import html

from dheads_model.tables.paper_parts import BEST, SECOND, Head, PaperTable, Text
from dheads_model.tables.tex import TexColumn, tabulars, tex, tex_note

ARROWS = {"higher": "↑", "lower": "↓", "closest": "≈", "unjudged": ""}
TEX_ARROWS = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "closest": r"$\approx$", "unjudged": ""}


def paper_markdown(table: PaperTable) -> list[str]:
    """Lines of a markdown table, each block below a row with its title, and the footnotes."""
    heads = [" ".join(filter(None, [head.title, ARROWS[head.better], _sup(head.note)])) for head in table.heads]
    lines = ["| method | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for block in table.blocks:
        lines.append(f"| *{block.title}* |" + " |" * len(heads))
        lines += [f"| {name} | " + " | ".join(map(_marked, cells)) + " |" for name, cells in block.rows]
    return [*lines, "", table.legend, "", *(f"- {_sup(n)} {note}" for n, note in enumerate(table.notes, 1)), ""]


def paper_tex(table: PaperTable, dataset: str) -> list[str]:
    """Lines of booktabs tabulars with the blocks below each other, the legend and footnotes below them (`tables.tex`)."""
    rows = [row for block in table.blocks for row in block.rows]
    titles, number = {}, 0
    for block in table.blocks:
        titles[number] = tex(block.title)
        number += len(block.rows)
    lead = TexColumn("method", tuple(tex(name) for name, _ in rows), left=True)
    columns = [
        TexColumn(_tex_head(head), tuple(tex_marked(cells[place]) for _, cells in rows))
        for place, head in enumerate(table.heads)
    ]
    lines = [f"% {dataset}", *tabulars([lead], columns, titles)]
    notes = [tex_note(table.legend), *(rf"$^{{{n}}}$ {tex_note(note)}" for n, note in enumerate(table.notes, 1))]
    return [*lines, *(rf"{{\par\noindent\footnotesize\sloppy {note}\par}}" for note in notes), ""]


def _tex_head(head: Head) -> str:
    return " ".join(
        filter(None, [tex(head.title), TEX_ARROWS[head.better], rf"$^{{{head.note}}}$" if head.note else ""])
    )


def paper_html(table: PaperTable) -> list[str]:
    """Lines of an HTML table, one body a block, the footnotes as a list."""
    heads = "".join(
        f"<th>{html.escape(head.title)} {ARROWS[head.better]}{_sup(head.note)}</th>" for head in table.heads
    )
    lines = ['<div class="scroll"><table class="paper">', f"<thead><tr><th>method</th>{heads}</tr></thead>"]
    for block in table.blocks:
        lines += [
            "<tbody>",
            f'<tr class="block"><th colspan="{len(table.heads) + 1}">{html.escape(block.title)}</th></tr>',
        ]
        lines += [
            f"<tr><th>{html.escape(name)}</th>{''.join(map(_html_marked, cells))}</tr>" for name, cells in block.rows
        ]
        lines.append("</tbody>")
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in table.notes)
    return [*lines, "</table></div>", f"<p>{html.escape(table.legend)}</p>", f'<ol class="notes">{notes}</ol>']


def _sup(note: int) -> str:
    return f"<sup>{note}</sup>" if note else ""


def _marked(cell: Text) -> str:
    sign = {BEST: "**", SECOND: "*"}.get(cell.mark, "")
    return f"{sign}{cell.text}{sign}"


def tex_marked(cell: Text) -> str:
    """A cell in LaTeX, the best bold and the second best italic."""
    command = {BEST: "textbf", SECOND: "textit"}.get(cell.mark)
    return rf"\{command}{{{tex(cell.text)}}}" if command else tex(cell.text)


def _html_marked(cell: Text) -> str:
    tag = {BEST: "b", SECOND: "i"}.get(cell.mark)
    text = html.escape(cell.text)
    return f"<td><{tag}>{text}</{tag}></td>" if tag else f"<td>{text}</td>"
