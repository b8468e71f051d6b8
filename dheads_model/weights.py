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
    the file's name (torch hub's convention); the file is then loaded as plain tensors only. mirror: a second place of the
    same file, asked when the first gives nothing, "" where none is known. needed_by: the settings and metrics that open it.
    """

    name: str
    bytes: int | None
    sha256: str
    url: str
    licence: str
    mirror: str = ""
    needed_by: str = ""


def read_weights_table(path: Path | str) -> dict[str, Weights]:
    """Lines of the table by file name."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {row["name"]: Weights(**{**row, "bytes": int(row["bytes"]) if row["bytes"] else None}) for row in rows}


def command_for(weights: Weights) -> str:
    """What a person types to get a file."""
    return f"snakemake --cores 1 resources/weights/{weights.name}"


def missing_reason(folder: Path | str, weights: Weights) -> str:
    """Why a metric is not computed for want of a file, "" where it is there; its content is checked when it is opened."""
    there = Path(folder, weights.name).is_file()
    return "" if there else f"not computed: weights missing ({command_for(weights)})"


def check_weights(path: Path | str, weights: Weights) -> Path:
    """The path, once the file is there and is the one of the table; raises UserError with what to do otherwise."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path} is missing: run `{command_for(weights)}`, or put the file from {weights.url} there.")
    if not Expected(weights.bytes, weights.sha256).is_met(path):
        raise UserError(
            f"{path} is not the file of {weights.url} (size or sha256 differ); delete it and fetch it again."
        )
    return path


def fetch_weights(weights: Weights, target: Path | str, retry: RetryPolicy = _RETRY) -> None:
    """Download a file, going on where an earlier try was cut off, and put it in place after size and sha256 were checked.

    The mirror is asked when the first host gives nothing or another file. Raises UserError when no host gives the file.
    """
    expected, problems = Expected(weights.bytes, weights.sha256), []
    for url in filter(None, (weights.url, weights.mirror)):
        try:
            with requests.Session() as session:
                download(session, Link(url), target, expected, retry)
            return
        except Refused as problem:
            problems.append(str(problem))
    told = "; ".join(problems)
    raise UserError(f"{told}; run again later, or put the file at {target} by hand.")
