"""The result of a metric: a value, or a reason why there is none."""

import math
from dataclasses import dataclass

# not_computed: the reason says what the user has to do first, and stands in the table's cell.
OK, UNDEFINED, NOT_APPLICABLE, NOT_COMPUTED = "ok", "undefined", "not_applicable", "not_computed"


@dataclass(frozen=True)
class Measurement:
    """One metric of one clip; `value` is None unless `status` is ok."""

    metric: str
    value: float | None
    status: str = OK
    reason: str = ""

    def __post_init__(self):
        if (self.status == OK) != (self.value is not None) or (
            self.value is not None and not math.isfinite(self.value)
        ):
            raise ValueError(f"{self.metric}: value {self.value} does not fit status {self.status}")


def refuse(metric: str, reason: str, status: str = UNDEFINED) -> Measurement:
    """A measurement without a value, with the reason."""
    return Measurement(metric, None, status, reason)
