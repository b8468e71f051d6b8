"""Phones of a clip with their times, the input of metrics of articulation. Standard library only."""

from dataclasses import dataclass

Phone = tuple[float, float, str]
"""(start, end, name) in seconds from the clip's begin; the name in IPA or ARPABET."""


@dataclass(frozen=True)
class SpokenPhones:
    """The phones of a clip in order, or none and the reason."""

    phones: tuple[Phone, ...] = ()
    reason: str = ""


NOT_TIMED = SpokenPhones(reason="phones were not timed")
