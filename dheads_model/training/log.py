"""The log of a training: one JSON object a line, each line once."""

import json
from pathlib import Path

from dheads_model.files import write_text


def read_log(path: Path | str) -> list[dict]:
    """Lines of a log; a last line that was cut off by a kill is left out. Empty when there is no log."""
    path = Path(path)
    if not path.is_file():
        return []
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return entries


def rewind_log(path: Path | str, images: int) -> None:
    """Remove lines later than `images`: the resumed run writes them again."""
    kept = [entry for entry in read_log(path) if entry["images"] <= images]
    write_text(path, "".join(json.dumps(entry) + "\n" for entry in kept))


def append_log(path: Path | str, entry: dict) -> None:
    """Add one line; raises ValueError for a number that JSON does not have."""
    line = json.dumps(entry, allow_nan=False) + "\n"
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(line)
