"""Table 1 against the one that was kept of an earlier run: equal, equal within the stated tolerance, or where it differs."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

KEYS = ("dataset", "method")
# How far means, spreads and interval ends of a metric may lie apart, in its unit; a metric that is not named must be equal.
# Equal videos that were looked at with other rounding (0.06 % of the bytes of enlarged crops by one) moved a single clip's
# value by 0.0022 pixels of LMD, 0.001 of correlation and 0.0001 of head motion at most, and a blink was found or not.
TOLERANCE = {
    "mouth_truth_correlation": 0.005,
    "mouth_audio_correlation": 0.005,
    "head_motion": 0.0005,
    "lmd_mouth": 0.01,
    "lmd_face": 0.01,
    "blinks_per_second": 0.05,
    "blink_duration": 0.05,
}
# So many clips more or less may have a value, where one needs a blink to be found.
TOLERATED_CLIPS = {"blink_duration": 1}
_PART = re.compile(r"(_difference)?(_sd|_low|_high|_n)?$")


@dataclass(frozen=True)
class Finding:
    """One column where the tables are not equal: greatest difference, in which row, and what is tolerated.

    found, expected: the two values there, None where there is none; distance: infinite where only one table has a value.
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
        """What is told of it."""
        kind = "within" if self.is_within else "beyond"
        return (
            f"{self.column} of {self.row}: {_shown(self.found)} here, {_shown(self.expected)} expected; {kind} the "
            f"tolerance of {self.tolerance:g}"
        )


def tolerance_of(column: str) -> float:
    """What is tolerated in a column of the CSV: by its metric, in clips for a number of clips."""
    part = _PART.search(column)
    metric = column[: part.start()]
    return float((TOLERATED_CLIPS if part[2] == "_n" else TOLERANCE).get(metric, 0))


def compare(found: pd.DataFrame, expected: pd.DataFrame) -> list[Finding]:
    """Findings of all columns that are not equal, in the order of the expected table; empty for equal tables.

    Both: table 1 as its CSV has it. A row or a column that only one of them has is a finding beyond any tolerance.
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


def _value(cell) -> float | None:
    return None if pd.isna(cell) else float(cell)


def _distance(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    return abs(one - other)


def _shown(value: float | str | None) -> str:
    return "nothing" if value is None else str(value)


def read_table(source) -> pd.DataFrame:
    """Table 1 from its CSV, every digit of it."""
    return pd.read_csv(source, float_precision="round_trip")
