"""Put a file of network weights in place: from a local folder or by download, checked against config/weights.tsv either way."""

import os
import shutil
from pathlib import Path

import requests

from dheads_model.download import Expected, Link, Refused, RetryPolicy, download
from dheads_model.errors import UserError
from dheads_model.files import atomic_path
from dheads_model.weights import Weights, command_for, is_file_of, origin

_RETRY = RetryPolicy()


def adopt_weights(weights: Weights, folder: Path | str, target: Path | str) -> bool:
    """Put the file of a local folder in place, as a hard link or, across file systems, a copy; False if it has none.

    Raises UserError if the folder's file is not the one of the table. The folder is not changed.
    """
    source = Path(folder, weights.name)
    if not source.is_file():
        return False
    if not is_file_of(source, weights):
        raise UserError(
            f"{source} is not the file of {origin(weights)} (size or sha256 differ from config/weights.tsv); replace it, or "
            "remove it from the folder that config key weights names."
        )
    with atomic_path(target) as temporary:
        try:
            os.link(source.resolve(), temporary)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, temporary)
    return True


def fetch_weights(weights: Weights, target: Path | str, retry: RetryPolicy = _RETRY) -> None:
    """Download a file, resuming an interrupted download, and put it in place after size and sha256 were checked.

    The mirror is used if the first host does not give the right file. Raises UserError if no host does, and for a file
    without a URL.
    """
    if not weights.url:
        raise UserError(
            f"config/weights.tsv has no URL of {weights.name}: run `{command_for(weights)}` with its folder."
        )
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
