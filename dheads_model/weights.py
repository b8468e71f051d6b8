"""Network weights from outside: fetched on request, and never opened before size and sha256 are those of the table."""

import csv
from dataclasses import dataclass
from pathlib import Path

import requests

from dheads_model.download import Expected, Link, Refused, RetryPolicy, download
from dheads_model.errors import UserError

_RETRY = RetryPolicy()


@dataclass(frozen=True)
class Weights:
    """One line of config/weights.tsv.

    bytes: None where nobody states the size. sha256: all 64 digits, or the first 10 where only those are published, in
    the file's name (torch hub's convention); the file is then loaded as plain tensors only.
    """

    name: str
    bytes: int | None
    sha256: str
    url: str
    licence: str


def read_weights_table(path: Path | str) -> dict[str, Weights]:
    """Lines of the table by file name."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["name"]: Weights(**{**row, "bytes": int(row["bytes"]) if row["bytes"] else None}) for row in rows}


def check_weights(path: Path | str, weights: Weights) -> Path:
    """The path, once the file is there and is the one of the table; raises UserError with what to do otherwise."""
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"{path} is missing: run `snakemake --cores 1 resources/weights/{weights.name}`, or put the file from "
            f"{weights.url} there."
        )
    if not Expected(weights.bytes, weights.sha256).is_met(path):
        raise UserError(
            f"{path} is not the file of {weights.url} (size or sha256 differ); delete it and fetch it again."
        )
    return path


def fetch_weights(weights: Weights, target: Path | str, retry: RetryPolicy = _RETRY) -> None:
    """Download a file, going on where an earlier try was cut off, and put it in place after size and sha256 were checked.

    Raises UserError when the server cannot be reached, answers something else, or the file is not the expected one.
    """
    expected = Expected(weights.bytes, weights.sha256)
    try:
        with requests.Session() as session:
            download(session, Link(weights.url), target, expected, retry)
    except Refused as problem:
        raise UserError(f"{problem}; run again later, or put the file at {target} by hand.") from problem
