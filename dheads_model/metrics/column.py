"""How a metric stands in a table. Standard library only."""

import math
from dataclasses import dataclass

ANY, CORRELATION = (-math.inf, math.inf), (-1.0, 1.0)
HIGHER, LOWER, CLOSEST, UNJUDGED = "higher", "lower", "closest", "unjudged"


@dataclass(frozen=True)
class Column:
    """One metric in a table. better: higher, lower, closest to the ground truth's, or unjudged, where a good mean can
    hide bad clips (lags of both signs). by_frames: clips count by their length, so that events a second are pooled
    events over pooled seconds. optional: shown only where it was measured. span: between what values can lie, and so the
    ends of an interval."""

    metric: str
    title: str
    better: str
    digits: int
    explanation: str
    by_frames: bool = False
    optional: bool = False
    span: tuple[float, float] = (0.0, math.inf)
