"""Table 1 in the form of the paper as markdown, LaTeX and HTML."""

import html

from dheads_model.tables.paper_table import BEST, SECOND, PaperTable, Text

ARROWS = {"higher": "↑", "lower": "↓", "closest": "≈", "unjudged": ""}
TEX_ARROWS = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "closest": r"$\approx$", "unjudged": ""}
_TEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "–": "--", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "−": "$-$"}
MARKS = (
    "The best printed value of a column is bold and the second best italic, without the ground truth. In the rows of this run "
    "they are marked only where the difference from every other method is beyond chance, see below."
)


def paper_markdown(table: PaperTable) -> list[str]:
    """Lines of a markdown table, each block below a row with its title, and the footnotes."""
    heads = [" ".join(filter(None, [head.title, ARROWS[head.better], _sup(head.note)])) for head in table.heads]
    lines = ["| method | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for block in table.blocks:
        lines.append(f"| *{block.title}* |" + " |" * len(heads))
        lines += [f"| {name} | " + " | ".join(map(_marked, cells)) + " |" for name, cells in block.rows]
    return [*lines, "", MARKS, "", *(f"- {_sup(n)} {note}" for n, note in enumerate(table.notes, 1)), ""]


def paper_tex(table: PaperTable, dataset: str) -> list[str]:
    """Lines of a booktabs tabular, a midrule between blocks, the footnotes below it."""
    heads = [
        " ".join(filter(None, [tex(head.title), TEX_ARROWS[head.better], rf"$^{{{head.note}}}$" if head.note else ""]))
        for head in table.heads
    ]
    width = len(heads) + 1
    lines = [f"% {dataset}: the paper's columns", rf"\begin{{tabular}}{{l{'r' * len(heads)}}}", r"\toprule"]
    lines.append("method & " + " & ".join(heads) + r" \\")
    for block in table.blocks:
        lines += [r"\midrule", rf"\multicolumn{{{width}}}{{l}}{{\emph{{{tex(block.title)}}}}} \\"]
        lines += [f"{tex(name)} & " + " & ".join(map(_tex_marked, cells)) + r" \\" for name, cells in block.rows]
    lines += [r"\bottomrule", r"\end{tabular}", ""]
    return [*lines, *(rf"\par\footnotesize $^{{{n}}}$ {tex(note)}" for n, note in enumerate(table.notes, 1)), ""]


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
    return [*lines, "</table></div>", f"<p>{MARKS}</p>", f'<ol class="notes">{notes}</ol>']


def tex(text: str) -> str:
    """A text with the characters escaped that LaTeX reads as commands."""
    return "".join(_TEX.get(sign, sign) for sign in text)


def _sup(note: int) -> str:
    return f"<sup>{note}</sup>" if note else ""


def _marked(cell: Text) -> str:
    sign = {BEST: "**", SECOND: "*"}.get(cell.mark, "")
    return f"{sign}{cell.text}{sign}"


def _tex_marked(cell: Text) -> str:
    command = {BEST: "textbf", SECOND: "textit"}.get(cell.mark)
    return rf"\{command}{{{tex(cell.text)}}}" if command else tex(cell.text)


def _html_marked(cell: Text) -> str:
    tag = {BEST: "b", SECOND: "i"}.get(cell.mark)
    text = html.escape(cell.text)
    return f"<td><{tag}>{text}</{tag}></td>" if tag else f"<td>{text}</td>"
