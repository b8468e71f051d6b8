"""Files of a finished chain that are gone: deleted by Snakemake when their job failed, or by a person.

Snakemake does not make a missing file again while its products exist, so after a failed training an old table would pass
for the new one. The rules of the last products (indexes, tables, strips, curves) therefore have a parameter
that changes when a file below them is gone: then they run, after the missing files are made. Standard library
only.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from dheads_model.config import short_hash
from dheads_model.files import write_json

# Beside Snakemake's own records of parameters, since it is useful only together with them.
RECORD = ".snakemake/dheads_losses.json"


class Losses:
    """How often files below each product were lost. record: path of the file that keeps it."""

    def __init__(self, record: Path | str):
        self.record = Path(record)
        self.known = _read(self.record)
        self.given: dict[str, str] = {}

    def parameter(self, product: str, gone: Callable[[], list[str]]) -> str:
        """Parameter of a product's rule: a new value whenever files are gone, else the last one.

        gone: lists the files below the product that are gone. It is not called if the product itself is missing, since
        Snakemake then makes it anyway.
        """
        if product not in self.given:
            last = self.known.get(product, "")
            missing = gone() if os.path.exists(product) else []
            self.given[product] = short_hash([missing, last]) if missing else last
        return self.given[product]

    def keep(self) -> None:
        """Save the parameters for the next start; called when jobs begin, not in a dry run."""
        if now := {product: value for product, value in self.given.items() if value != self.known.get(product, "")}:
            write_json(self.record, self.known | now)


def absent(paths: Iterable[str]) -> list[str]:
    """Paths that do not exist."""
    return [str(path) for path in paths if not os.path.exists(path)]


def lost_files(manifest: Path | str) -> list[str]:
    """Files that a manifest lists and that are missing or have another size; none if there is no manifest."""
    try:
        listed = json.loads(Path(manifest).read_text(encoding="utf-8"))["files"]
        paths = [(os.path.join(os.path.dirname(manifest), file["name"]), file["bytes"]) for file in listed]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError):
        return [os.fspath(manifest)]
    return [path for path, size in paths if not os.path.isfile(path) or os.path.getsize(path) != size]


def _read(record: Path) -> dict[str, str]:
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
