"""A corpus in CREMA-D's layout and the tables that pin it, from bytes a test gives."""

import hashlib
from pathlib import Path

from tests.workflow import ROOT

REAL_TABLES = ROOT / "config/crema_d"


def write_tables(folder: Path, files: dict[str, bytes], splits: dict[str, str], bad: dict[str, str]) -> Path:
    """Tables in `folder` for media given by path ("VideoFlash/NAME.flv"); splits by actor, reasons of bad objects."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{path}\t{len(content)}\t{hashlib.sha256(content).hexdigest()}" for path, content in sorted(files.items())]
    (folder / "objects.tsv").write_text("\n".join(["path\tbytes\tsha256", *rows]) + "\n")
    actors = [f"{actor}\t{split}" for actor, split in splits.items()]
    (folder / "actors.tsv").write_text("\n".join(["actor\tsplit", *actors]) + "\n")
    (folder / "sentences.tsv").write_bytes((REAL_TABLES / "sentences.tsv").read_bytes())
    reasons = [f"{path}\t{reason}" for path, reason in bad.items()]
    (folder / "bad_objects.tsv").write_text("\n".join(["path\treason", *reasons]) + "\n")
    return folder


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    """The media as a folder, as a download or a clone has them."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder
