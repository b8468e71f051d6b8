"""Files of a finished chain that are gone: deleted by Snakemake when their job failed, or by a person.

Snakemake does not make a missing file again while what is made of it is there, so after a failed training an old table
would stand as the new one. The rules of the last products (indexes, tables, strips, curves) therefore have a parameter
that changes when a file below them is gone: then they run, and whatever is missing below is made first. Standard library
only.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from dheads_model.config import short_hash
from dheads_model.files import write_json

# Beside Snakemake's own records of parameters: what is written here is only of use together with them.
RECORD = ".snakemake/dheads_losses.json"


class Losses:
    """How often files below each product were lost. record: path of the file that keeps it."""

    def __init__(self, record: Path | str):
        self.record = Path(record)
        self.known = _read(self.record)
        self.told: dict[str, str] = {}

    def parameter(self, product: str, gone: Callable[[], list[str]]) -> str:
        """What a product's rule has as its parameter: another one whenever files are gone, else the last one.

        gone: names the files below the product that are gone. It is not asked where the product itself is missing, which
        is reason enough to make it.
        """
        if product not in self.told:
            last = self.known.get(product, "")
            missing = gone() if os.path.exists(product) else []
            self.told[product] = short_hash([missing, last]) if missing else last
        return self.told[product]

    def keep(self) -> None:
        """Write down what was told, for the next start: when jobs begin, not in a dry run."""
        if now := {product: told for product, told in self.told.items() if told != self.known.get(product, "")}:
            write_json(self.record, self.known | now)


def absent(paths: Iterable[str]) -> list[str]:
    """Those paths at which nothing is."""
    return [str(path) for path in paths if not os.path.exists(path)]


def lost_files(manifest: Path | str) -> list[str]:
    """Files that a manifest lists and that are not there, or not with their size; none where the manifest is not there."""
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
