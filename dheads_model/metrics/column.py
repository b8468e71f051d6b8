"""The column of a metric in a table. Standard library only."""

import math
from dataclasses import dataclass

ANY, CORRELATION = (-math.inf, math.inf), (-1.0, 1.0)
HIGHER, LOWER, CLOSEST, UNJUDGED = "higher", "lower", "closest", "unjudged"


@dataclass(frozen=True)
class Column:
    """One metric in a table. better: higher, lower, closest to the ground truth's, or unjudged, where a good mean can
    hide bad clips (lags of both signs). by_frames: clips are weighted by their length, so that rates are pooled events
    divided by pooled seconds. optional: shown only if it was measured. span: range of the values, to which the
    interval is clipped."""

    metric: str
    title: str
    better: str
    digits: int
    explanation: str
    by_frames: bool = False
    optional: bool = False
    span: tuple[float, float] = (0.0, math.inf)
