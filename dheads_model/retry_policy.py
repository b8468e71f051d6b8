"""How long to try to fetch a file."""

from dheads_model.config import Count, NonNegativeFloat, PositiveFloat, settings
from dheads_model.errors import UserError


@settings("retry")
class RetryPolicy:
    """Retry policy of downloads."""

    attempts: Count = 6
    """Consecutive attempts without new data before a host is given up for a file."""
    first_wait: NonNegativeFloat = 1.0
    """Seconds before the second attempt, doubled for each further one. A Retry-After of the host takes precedence."""
    longest_wait: NonNegativeFloat = 120.0
    """Maximum wait in seconds."""
    timeout: PositiveFloat = 30.0
    """Seconds without data after which an attempt fails."""

    def __post_init__(self):
        if self.first_wait > self.longest_wait:
            raise UserError(
                f"retry.first_wait is {self.first_wait:g} and longest_wait {self.longest_wait:g}; raise longest_wait."
            )

    def wait(self, idle: int, asked: float | None) -> float:
        """Seconds to wait after `idle` tries in vain; asked: what the host says, None where it does not."""
        return min(self.first_wait * 2**idle if asked is None else asked, self.longest_wait)
