"""sha256 of GRID's archives: given by the user, or recorded at the first download. None are published with the corpus."""

import re
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import write_text


def known_hash(name: str, given: Path | str | None, recorded: Path | str) -> str:
    """sha256 of an archive by its file name, of the user's file `given` or of the folder `recorded`; "" if it has none.

    Raises UserError for a file that is missing or has other lines than sha256sum writes.
    """
    if given is not None:
        known = _read(Path(given))
        if name in known:
            return known[name]
    record = record_of(name, recorded)
    return _read(record)[name] if record.is_file() else ""


def record_hash(name: str, sha256: str, recorded: Path | str) -> None:
    """Write the sha256 of an archive to a file of its own: the jobs of several speakers write at once."""
    write_text(record_of(name, recorded), f"{sha256}  {name}\n")


def record_of(name: str, recorded: Path | str) -> Path:
    """Path of the record of one archive."""
    return Path(recorded, f"{name}.sha256")


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as problem:
        raise UserError(
            f"{path} with the hashes of GRID cannot be read ({problem.strerror}); fix grid.hashes."
        ) from problem
    known = {}
    for line in filter(None, lines):
        row = re.fullmatch(r"([0-9a-f]{64}) [ *](\S+)", line)
        if not row or known.get(row[2], row[1]) != row[1]:
            raise UserError(
                f"{path} has the line {line[:90]!a}, which is not '<sha256>  <name>', or a name twice; correct it."
            )
        known[row[2]] = row[1]
    return known
