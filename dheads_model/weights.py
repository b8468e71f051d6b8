"""Network weights that are no part of a package: config/weights.tsv lists them, and no file is opened before it is checked.

Standard library only; `weights_fetch.py` downloads them.
"""

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import sha256_of
from dheads_model.fingerprint import ROOT

TABLE = ROOT / "config/weights.tsv"


@dataclass(frozen=True)
class Weights:
    """One line of config/weights.tsv.

    bytes: None if no size is published. sha256: all 64 digits, or the first 10 where only those are published, in
    the file's name (torch hub's convention); the file is then loaded as plain tensors only. url: "" for a file that its
    user has and nothing can download. mirror: a second URL of the
    same file, used if the first one fails, "" where none is known. needed_by: the settings and metrics that open it.
    """

    name: str
    bytes: int | None
    sha256: str
    url: str
    licence: str
    mirror: str = ""
    needed_by: str = ""


def read_weights_table(path: Path | str = TABLE) -> dict[str, Weights]:
    """Lines of the table by file name."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["name"]: Weights(**{**row, "bytes": int(row["bytes"]) if row["bytes"] else None}) for row in rows}


def command_for(weights: Weights) -> str:
    """Command that puts a file in place; the folder that it is taken from stands in it where nothing can download it."""
    folder = "" if weights.url else " --config weights=FOLDER"
    return f"snakemake --cores 1 resources/weights/{weights.name}{folder}"


def origin(weights: Weights) -> str:
    """Where a file is from, in words."""
    return weights.url or f"the line {weights.name} of config/weights.tsv"


def missing_reason(folder: Path | str, weights: Weights) -> str:
    """Why a metric is not computed if its file is missing, "" if it exists; its content is checked when it is opened."""
    there = Path(folder, weights.name).is_file()
    return "" if there else f"not computed: weights missing ({command_for(weights)})"


def missing_weights(names: Iterable[str], folders: Iterable[Path | str], table: Path | str = TABLE) -> str:
    """The reason for the first of some files that none of the folders has, "" if all are there.

    A file without a line in the table cannot be verified, so it counts as missing wherever it lies.
    """
    listed, folders = read_weights_table(table), list(folders)
    for name in names:
        if name not in listed:
            return f"not computed: weights missing (config/weights.tsv has no line {name} to verify the file with)"
        reasons = [missing_reason(folder, listed[name]) for folder in folders]
        if all(reasons):
            return reasons[0]
    return ""


def is_file_of(path: Path | str, weights: Weights) -> bool:
    """Whether a file has the size and the sha256 of the table."""
    right_size = weights.bytes is None or os.path.getsize(path) == weights.bytes
    return right_size and sha256_of(path).startswith(weights.sha256)


def check_weights(path: Path | str, weights: Weights) -> Path:
    """The path, if the file exists and is the one of the table; else raises UserError with what to do."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path} is missing: run `{command_for(weights)}`, or put the file of {origin(weights)} there.")
    if not is_file_of(path, weights):
        raise UserError(
            f"{path} is not the file of {origin(weights)} (size or sha256 differ); delete it and fetch it again."
        )
    return path
