"""From values of clips to the cells of a table: mean, spread, number, confidence interval."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dheads_model.tables.columns import Column


@dataclass(frozen=True)
class Cell:
    """Mean over n clips, their standard deviation, and the 95 % interval of the mean; None where there is no value."""

    mean: float | None
    sd: float | None
    n: int
    low: float | None
    high: float | None


def cell(rows: pd.DataFrame, column: Column, samples: int) -> Cell:
    """One cell from the rows of one method and metric (columns: clip, speaker, frames, value, status).

    The interval is a percentile bootstrap that draws speakers, since clips of one speaker are alike; with fewer than two
    speakers it draws clips. Its seed is the hash of the metric, the method and the clips.
    """
    rows = rows[rows["status"] == "ok"].sort_values("clip")
    if rows.empty:
        return Cell(None, None, 0, None, None)
    values = rows["value"].to_numpy(np.float64)
    weights = rows["frames"].to_numpy(np.float64) if column.by_frames else np.ones(len(values))
    mean = float(np.average(values, weights=weights))
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    low, high = _interval(values, weights, rows["speaker"].to_numpy(), _seed(rows, column), samples)
    return Cell(mean, sd, len(values), low, high)


def _interval(values, weights, speakers, seed: int, samples: int) -> tuple[float | None, float | None]:
    names, groups = np.unique(speakers, return_inverse=True)
    if len(names) < 2:
        groups = np.arange(len(values))
    count = groups.max() + 1
    if count < 2:
        return None, None
    sums = np.bincount(groups, weights=values * weights)
    totals = np.bincount(groups, weights=weights)
    drawn = np.random.default_rng(seed).integers(0, count, (samples, count))
    means = sums[drawn].sum(axis=1) / totals[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _seed(rows: pd.DataFrame, column: Column) -> int:
    key = "|".join([column.metric, *rows["clip"]])
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
