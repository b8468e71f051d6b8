"""Network weights from outside: fetched on request, and never opened before size and sha256 are those of the table."""

import csv
import logging
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import sha256_of

_TIMEOUT_SECONDS = 30
_BLOCK = 1 << 20
log = logging.getLogger(__name__)


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
    if not _is_expected(path, weights):
        raise UserError(
            f"{path} is not the file of {weights.url} (size or sha256 differ); delete it and fetch it again."
        )
    return path


def fetch_weights(weights: Weights, target: Path | str) -> None:
    """Download a file, going on where an earlier try was cut off, and put it in place after size and sha256 were checked.

    Raises UserError when the server cannot be reached, answers something else, or the file is not the expected one.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    have = partial.stat().st_size if partial.exists() else 0
    if not have or not _is_expected(partial, weights):
        announced = _download(weights, partial, have, target)
        size = partial.stat().st_size
        if size < (weights.bytes or announced):
            raise UserError(f"{weights.url} was cut off after {size} bytes; run again to go on from there.")
    if not _is_expected(partial, weights):
        partial.unlink()
        raise UserError(f"{weights.url} sent another file than expected (size or sha256 differ); nothing was kept.")
    os.replace(partial, target)


def _is_expected(path: Path, weights: Weights) -> bool:
    right_size = weights.bytes is None or path.stat().st_size == weights.bytes
    return right_size and sha256_of(path).startswith(weights.sha256)


def _download(weights: Weights, partial: Path, have: int, target: Path) -> int:
    """Fetch what is missing of a file into `partial`; the whole size as the server announces it, 0 if it does not."""
    request = urllib.request.Request(weights.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            # A server that does not know ranges sends the whole file again.
            resumed = answer.status == 206
            with open(partial, "ab" if resumed else "wb") as stream:
                while block := answer.read(_BLOCK):
                    stream.write(block)
                stream.flush()
                os.fsync(stream.fileno())
            announced = int(answer.headers.get("Content-Length", 0))
            return announced + have if resumed else announced
    except urllib.error.HTTPError as problem:
        raise UserError(
            f"{weights.url} answers {problem.code} {problem.reason}; put the file at {target} by hand."
        ) from problem
    except OSError as problem:
        raise UserError(
            f"{weights.url} cannot be reached ({problem}); run again online, or put the file at {target} by hand."
        ) from problem
