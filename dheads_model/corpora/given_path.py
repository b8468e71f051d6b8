"""Paths from the config. Standard library only."""

import os
from pathlib import Path


def given_path(path: str) -> str:
    """A path from the config as given, or absolute when it exists only where the command was called.

    With `--directory` Snakemake works elsewhere, while people write paths relative to where they stand.
    """
    if os.path.isabs(path) or os.path.exists(path):
        return path
    called_from = Path(os.environ.get("PWD", "."), path)
    return str(called_from) if called_from.exists() else path
