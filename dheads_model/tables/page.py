"""The frame of an HTML page: one file, no script, light or dark as the reader's system is."""

from collections.abc import Sequence

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 84rem; padding: 0 1rem; }
.scroll { overflow-x: auto; margin: 0.6rem 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.92rem; }
th, td { padding: 0.22rem 0.7rem; text-align: right; white-space: nowrap; }
tr > :first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
thead { border-top: 2px solid; border-bottom: 1px solid; }
tbody { border-bottom: 1px solid; }
tbody th { font-weight: normal; }
tr.block th { font-style: italic; padding-top: 0.5rem; }
table.meanings td { text-align: left; white-space: normal; }
.notes { font-size: 0.88rem; }
"""


def page(title: str, body: Sequence[str]) -> str:
    """A whole page with a title (plain text without markup) and the lines of its body (HTML)."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
    lines = ["<!doctype html>", '<html lang="en">', f"<head>{head}<style>{_STYLE}</style></head>", "<body>"]
    return "\n".join([*lines, *body, "</body>", "</html>"]) + "\n"
