"""Checksum files in the format of `sha256sum`: a small file that represents a big one where the workflow compares bytes."""

from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import sha256_of, write_text


def checksum_path(path: Path | str) -> Path:
    """Path of the checksum file of a file: the same name with the suffix .sha256."""
    return Path(path).with_suffix(".sha256")


def write_checksum(path: Path | str) -> None:
    """Write the checksum file of a finished file beside it."""
    write_text(checksum_path(path), f"{sha256_of(path)}  {Path(path).name}\n")


def verify_checksum(path: Path | str) -> None:
    """Compare a file with its checksum file, if it has one; raises UserError when they differ."""
    beside = checksum_path(path)
    if not beside.is_file():
        return
    if beside.read_text(encoding="utf-8").split()[:1] != [sha256_of(path)]:
        raise UserError(f"{path} does not match {beside.name} beside it; delete both to make them again.")
