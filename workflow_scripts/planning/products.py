"""What a run made and where to look, printed when it ends."""

from pathlib import Path

# (word, pattern of the files, what they are)
_PLACES = (
    ("table", "results/table1.csv", "also .md, .html and .tex; what made it: results/table1.provenance.json"),
    ("gallery", "results/gallery/index.html", "open it in a browser"),
    ("clips", "results/data_card.md", "kept, filtered and failed, with the reason of each"),
    ("videos", "results/videos/{method}/*/*.mp4", ""),
    ("strips", "results/strips/*.png", "ground truth above, generated frames below, every fifth frame"),
    ("curves", "results/runs/*/loss.png", "loss of the training"),
    ("speed", "results/benchmarks/*.md", ""),
)
_LEGEND = "| metric | meaning |"


def shown_table(work: Path | str) -> str:
    """Table 1 as text without the explanations of its metrics, "" if there is none."""
    path = Path(work, "results/table1.md")
    if not path.is_file():
        return ""
    return path.read_text(encoding="utf-8").split(_LEGEND)[0].rstrip()


def where_to_look(work: Path | str, methods: list[str], since: float = 0.0) -> list[str]:
    """A line for each kind of result that was written after `since` (seconds of the epoch). methods: whose videos are named."""
    lines = []
    for word, pattern, what in _PLACES:
        for filled in dict.fromkeys(pattern.replace("{method}", method) for method in methods or ["*"]):
            if any(path.stat().st_mtime >= since for path in Path(work).glob(filled)):
                lines.append(f"{word:<7} {filled}{f' ({what})' if what else ''}")
    return lines
