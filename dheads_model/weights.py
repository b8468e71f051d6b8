"""Network weights that are no part of a package: downloaded on request, and opened only after size and sha256 are checked."""

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

    bytes: None if no size is published. sha256: all 64 digits, or the first 10 where only those are published, in
    the file's name (torch hub's convention); the file is then loaded as plain tensors only. mirror: a second URL of the
    same file, used if the first one fails, "" where none is known. needed_by: the settings and metrics that open it.
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
    """Command that downloads a file."""
    return f"snakemake --cores 1 resources/weights/{weights.name}"


def missing_reason(folder: Path | str, weights: Weights) -> str:
    """Why a metric is not computed if its file is missing, "" if it exists; its content is checked when it is opened."""
    there = Path(folder, weights.name).is_file()
    return "" if there else f"not computed: weights missing ({command_for(weights)})"


def check_weights(path: Path | str, weights: Weights) -> Path:
    """The path, if the file exists and is the one of the table; else raises UserError with what to do."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path} is missing: run `{command_for(weights)}`, or put the file from {weights.url} there.")
    if not Expected(weights.bytes, weights.sha256).is_met(path):
        raise UserError(
            f"{path} is not the file of {weights.url} (size or sha256 differ); delete it and fetch it again."
        )
    return path


def fetch_weights(weights: Weights, target: Path | str, retry: RetryPolicy = _RETRY) -> None:
    """Download a file, resuming an interrupted download, and put it in place after size and sha256 were checked.

    The mirror is used if the first host does not give the right file. Raises UserError if no host does.
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
