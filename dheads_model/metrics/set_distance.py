"""The type of a distance between two sets of clips. Standard library only.

A distance is one module in `dheads_model/metrics/distances/` with one object `DISTANCE`: a network that turns a clip into
features, and the figures that are computed from the features of two sets. What computes is imported inside its functions, so
that planning and tables, which only need the columns, start fast.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dheads_model.metrics.column import Column

if TYPE_CHECKING:
    import numpy as np

FOLDER = "dheads_model.metrics.distances"
# Frames uint8 RGB [T, H, W, 3] of a clip -> features float32 [K, D]; raises ClipFiltered for a clip that has none.
Features = Callable[["np.ndarray"], "np.ndarray"]


@dataclass(frozen=True)
class SetDistance:
    """One or more columns from the features of one network.

    place: position of the columns in tables, as for ClipMetric. columns: all `optional`, since a config may leave the
    distance out. size: D, the number of features. open: (folder of weights, settings) -> the features of a clip; raises
    UserError for weights that are missing or other ones. measure: (real, generated) -> one SetMeasurement a column, in
    their order. settings: keys of the config block `metrics` that `open` needs. about: those settings in words, for
    the note below the table. weights: files of config/weights.tsv that `open` reads; without
    one, nothing is computed and the cells say what to run. package: import name and requirement of the package that holds
    the weights, if any.
    """

    place: int
    columns: tuple[Column, ...]
    size: int
    open: Callable[[str, Mapping], Features]
    measure: Callable[..., list]  # not FeatureSet and SetMeasurement: their module decides no features
    settings: tuple[str, ...] = ()
    about: Callable[[Mapping], str] = lambda settings: ""
    weights: tuple[str, ...] = ()
    package: tuple[str, str] | None = None

    def names(self) -> list[str]:
        """Names of the columns' metrics."""
        return [column.metric for column in self.columns]


def load_distance(name: str) -> SetDistance:
    """One distance, by the name of its module; no other is imported."""
    return importlib.import_module(f"{FOLDER}.{name}").DISTANCE
