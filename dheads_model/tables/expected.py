"""Comparison of table 1 with the stored one: equal, equal within the stated tolerance, or the differences."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

KEYS = ("dataset", "method")
# Tolerance of means, standard deviations and interval ends of a metric, in its unit; other metrics must be equal. Other
# rounding of equal videos (0.06 % of the bytes of enlarged crops by one) changed the value of a single clip by at most
# 0.0022 pixels of LMD, 0.001 of correlation and 0.0001 of head motion, and by one blink more or less.
TOLERANCE = {
    "mouth_truth_correlation": 0.005,
    "mouth_audio_correlation": 0.005,
    "head_motion": 0.0005,
    "lmd_mouth": 0.01,
    "lmd_face": 0.01,
    "blinks_per_second": 0.05,
    "blink_duration": 0.05,
}
# Tolerance of the number of clips with a value, for metrics that need a detected blink.
TOLERATED_CLIPS = {"blink_duration": 1}
_PART = re.compile(r"(_difference)?(_sd|_low|_high|_n)?$")


@dataclass(frozen=True)
class Finding:
    """One column in which the tables differ: largest difference, its row, and the tolerance.

    found, expected: the two values, None for a missing one; distance: infinite if only one table has a value, or for
    different texts.
    """

    column: str
    row: str
    found: float | str | None
    expected: float | str | None
    distance: float
    tolerance: float

    @property
    def is_within(self) -> bool:
        """Whether the difference is tolerated."""
        return self.distance <= self.tolerance

    def sentence(self) -> str:
        """The finding as one sentence."""
        kind = "within" if self.is_within else "beyond"
        return (
            f"{self.column} of {self.row}: {_shown(self.found)} here, {_shown(self.expected)} expected; {kind} the "
            f"tolerance of {self.tolerance:g}"
        )


def tolerance_of(column: str) -> float:
    """Tolerance of a column of the CSV: by its metric; in clips for a number of clips."""
    part = _PART.search(column)
    metric = column[: part.start()]
    return float((TOLERATED_CLIPS if part[2] == "_n" else TOLERANCE).get(metric, 0))


def compare(found: pd.DataFrame, expected: pd.DataFrame) -> list[Finding]:
    """Findings of all columns that are not equal, in the order of the expected table; empty for equal tables.

    Both: table 1 as in its CSV. A row or a column that only one of them has is a finding beyond any tolerance.
    """
    here, there = (table.set_index(list(KEYS)) for table in (found, expected))
    findings = [
        Finding("row", " ".join(row), *(("present", None) if row in here.index else (None, "present")), math.inf, 0.0)
        for row in here.index.symmetric_difference(there.index)
    ]
    findings += [
        Finding(name, "all rows", *(("present", None) if name in here else (None, "present")), math.inf, 0.0)
        for name in [*there.columns, *here.columns]
        if (name in here) != (name in there)
    ]
    rows = [row for row in there.index if row in here.index]
    for name in there.columns:
        if name not in here or not rows:
            continue
        pairs = [(_value(here.at[row, name]), _value(there.at[row, name]), row) for row in rows]
        one, other, row = max(pairs, key=lambda pair: _distance(pair[0], pair[1]))
        if distance := _distance(one, other):
            findings.append(Finding(name, " ".join(row), one, other, distance, tolerance_of(name)))
    return findings


def verdict(findings: Sequence[Finding]) -> str:
    """equal, equal within the stated tolerance, or differs."""
    if not findings:
        return "equal"
    return "equal within the stated tolerance" if all(finding.is_within for finding in findings) else "differs"


def _value(cell) -> float | str | None:
    if isinstance(cell, str):
        return cell
    return None if pd.isna(cell) else float(cell)


def _distance(one: float | str | None, other: float | str | None) -> float:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other)
    return 0.0 if one == other else math.inf


def _shown(value: float | str | None) -> str:
    return "nothing" if value is None else str(value)


def read_table(source) -> pd.DataFrame:
    """Table 1 from its CSV, every digit of it."""
    return pd.read_csv(source, float_precision="round_trip")
