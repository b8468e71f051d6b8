"""From values of clips to the cells of a table: mean, standard deviation, number, and confidence intervals for few speakers.

Clips of one speaker are correlated, so speakers are the independent units: an interval is Student's t with (number of
speakers - 1) degrees of freedom and the standard error of the jackknife over speakers (Efron and Stein 1981). If all
speakers have the same number of clips, this is the t interval of the speakers' means. In simulations of 3 to 10 speakers
(3,000 draws each) 95 % intervals contained the mean in 93 to 95.5 % of the draws, with 1 to 30 clips per speaker, and in 88
to 94 % with an exponential distribution over speakers. Bootstrap intervals of few speakers are too narrow: 90 % with ten.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from dheads_model.metrics.measurement import NOT_COMPUTED
from dheads_model.shards.index import UNKNOWN_SPEAKER
from dheads_model.tables.columns import CLOSEST, HIGHER, Column

CONFIDENCE = 0.95
# With two speakers the half-width of the interval would be 13 standard errors, which is not informative.
LEAST_SPEAKERS = 3


@dataclass(frozen=True)
class Cell:
    """Mean over n clips, their standard deviation, and the 95 % interval of the mean; None where there is no value.

    low and high are None if the clips have fewer than LEAST_SPEAKERS speakers. why: what stands in the cell instead of a
    value, "" for a dash.
    """

    mean: float | None
    sd: float | None
    n: int
    low: float | None
    high: float | None
    why: str = ""


# A cell of a method that makes no videos, in a column about videos.
NOT_APPLICABLE = Cell(None, None, 0, None, None, "not applicable")


@dataclass(frozen=True)
class Difference:
    """Mean paired difference from another method over the n clips of both, and its 95 % interval, None as in a Cell."""

    mean: float | None
    n: int
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.low is not None and (self.low > 0 or self.high < 0)


def cell(rows: pd.DataFrame, column: Column) -> Cell:
    """One cell from the rows of one method and metric (columns: clip, speaker, frames, value, status).

    Its interval is clipped to the range of the column's values.
    """
    uncomputed = rows.loc[rows["status"] == NOT_COMPUTED, "reason"]
    rows = _measured(rows)
    if rows.empty:
        return Cell(None, None, 0, None, None, "" if uncomputed.empty else uncomputed.iloc[0])
    mean, *ends = _estimate(_sums(rows, column, ["value"]), lambda value: value)
    low, high = (None if end is None else min(max(end, column.span[0]), column.span[1]) for end in ends)
    sd = float(rows["value"].std(ddof=1)) if len(rows) > 1 else None
    return Cell(mean, sd, len(rows), low, high)


def difference(rows: pd.DataFrame, others: pd.DataFrame, column: Column) -> Difference:
    """Difference paired by clip: rows minus others, each the rows of one method and metric."""
    both = _pair(rows, others)
    if both.empty:
        return Difference(None, 0, None, None)
    found = _estimate(_sums(both, column, ["value", "other"]), lambda value, other: value - other)
    return Difference(found[0], len(both), *found[1:])


def loss_difference(rows: pd.DataFrame, others: pd.DataFrame, truth: pd.DataFrame, column: Column) -> Difference:
    """How much worse rows is than others in the sense of the column, negative if it is better; paired by clip.

    For a column whose best value is the ground truth's, truth has the ground truth's rows, and the loss is the distance
    of the mean from theirs. Not for columns that are not judged.
    """
    if column.better != CLOSEST:
        return difference(others, rows, column) if column.better == HIGHER else difference(rows, others, column)
    both = _pair(rows, others).merge(_measured(truth)[["clip", "value"]].rename(columns={"value": "truth"}), on="clip")
    if both.empty:
        return Difference(None, 0, None, None)
    found = _estimate(
        _sums(both, column, ["value", "other", "truth"]),
        lambda value, other, truth: abs(value - truth) - abs(other - truth),
    )
    return Difference(found[0], len(both), *found[1:])


def count_speakers(rows: pd.DataFrame) -> int:
    """Number of speakers of rows; a clip with an unknown speaker counts as a separate speaker."""
    return len(set(_groups(rows)))


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["status"] == "ok"].sort_values("clip")


def _pair(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Measured rows with the others' value of the same clip as `other`."""
    theirs = _measured(others)[["clip", "value"]].rename(columns={"value": "other"})
    return _measured(rows).merge(theirs, on="clip")


def _groups(rows: pd.DataFrame) -> np.ndarray:
    unknown = rows["speaker"] == UNKNOWN_SPEAKER
    return np.where(unknown, "clip " + rows["clip"].astype(str), "speaker " + rows["speaker"].astype(str))


def _sums(rows: pd.DataFrame, column: Column, names: list[str]) -> np.ndarray:
    """Weighted sums of some columns, and last the sums of the weights, of each speaker: `[speakers, names + 1]`."""
    weights = rows["frames"].to_numpy(np.float64) if column.by_frames else np.ones(len(rows))
    groups = np.unique(_groups(rows), return_inverse=True)[1]
    summed = [np.bincount(groups, weights=rows[name].to_numpy(np.float64) * weights) for name in names]
    return np.stack([*summed, np.bincount(groups, weights=weights)], axis=1)


def _estimate(sums: np.ndarray, function: Callable[..., np.ndarray]) -> tuple[float, float | None, float | None]:
    """(value, low, high) of a function of weighted means, from `_sums`."""

    def of(totals: np.ndarray) -> np.ndarray:
        return function(*(totals[..., :-1] / totals[..., -1:]).T)

    total, count = sums.sum(axis=0), len(sums)
    value = float(of(total))
    if count < LEAST_SPEAKERS:
        return value, None, None
    without = of(total - sums)
    error = np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum())
    reach = float(stdtrit(count - 1, 0.5 + CONFIDENCE / 2) * error)
    return value, value - reach, value + reach
