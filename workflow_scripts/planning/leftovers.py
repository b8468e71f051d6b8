"""What a work folder holds that a command could remove, with sizes. Standard library only."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dheads_model.corpora.registry import DATASETS
from dheads_model.errors import UserError
from dheads_model.files import readable_size
from workflow_scripts.planning.folder_lock import holders

# Made again by the same command from what stays; a training then writes its export again from its state.
REMAKABLE = ("resources", "results", "logs", "benchmarks", ".snakemake")
# Hours or days of a training, and files that come from hosts.
KEPT = ("state", "downloads")


class Leftover(NamedTuple):
    """Files of one kind. paths: folders and files to remove. bytes: on the disk, below all of them."""

    name: str
    paths: tuple[Path, ...]
    bytes: int


def leftovers(work: Path) -> list[Leftover]:
    """Everything that runs wrote to `work`, by kind; links are not followed and not listed."""
    downloads = [path for path in _downloads(work) if path.is_dir() and not path.is_symlink()]
    found = []
    for name in (*REMAKABLE, "state"):
        folder = work / name
        if folder.is_dir() and not folder.is_symlink():
            paths = _without(folder, downloads)
            found.append(Leftover(name, tuple(paths), sum(_size(path) for path in paths)))
    if downloads:
        found.append(Leftover("downloads", tuple(downloads), sum(_size(path) for path in downloads)))
    return [one for one in found if one.paths]


def table_of(found: Iterable[Leftover], removed: Iterable[str]) -> str:
    """A line a kind: its size, its name, and whether it goes."""
    gone = set(removed)
    notes = {"state": "trainings", "downloads": "fetched corpora and weights"}
    lines = []
    for one in found:
        note = f" ({notes[one.name]})" if one.name in notes else ""
        lines.append(
            f"{readable_size(one.bytes):>10}  {one.name + note:<40} {'remove' if one.name in gone else 'keep'}"
        )
    return "\n".join(lines)


def remove(work: Path, found: Iterable[Leftover]) -> None:
    """Remove them. Raises UserError while a run works in the folder."""
    if running := holders(work):
        raise UserError(f"snakemake works in {work.resolve()} ({', '.join(running)}); wait until it ends, or stop it.")
    for path in (path for one in found for path in one.paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for folder in sorted((work / "resources").glob("**/"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _downloads(work: Path) -> list[Path]:
    fetched = [name for name, about in DATASETS.items() if about.fetch or about.fetched_bytes]
    return [work / "resources" / "weights", *(work / "resources" / name / "corpus" for name in fetched)]


def _without(folder: Path, kept: list[Path]) -> list[Path]:
    """The folder, or as much below it as leaves the kept folders there."""
    inside = [path for path in kept if path.is_relative_to(folder)]
    if folder in inside:
        return []
    if not inside:
        return [folder]
    return [
        path for entry in sorted(folder.iterdir()) for path in (_without(entry, inside) if entry.is_dir() else [entry])
    ]


def _size(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(os.lstat(os.path.join(place, name)).st_size for place, _, names in os.walk(path) for name in names)
