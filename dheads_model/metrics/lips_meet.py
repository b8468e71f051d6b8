"""Whether the lips meet at every spoken P, B and M, which need closed lips.

Phone times come from the caller: the embedded corpus has them, or an alignment of the transcript with the audio. The
ground truth's own figures belong beside those of a video, for landmarks see lips meet only so well.
"""

from collections.abc import Sequence

import numpy as np

from dheads_model.errors import UserError
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics.measurement import Measurement, refuse
from dheads_model.metrics.phones import Phone

LIPS_MEET = ("lips_meet_share", "lips_meet_depth", "lips_meet_count")
_BILABIAL = "pbm"
_MARKS = "ˈˌ'"
# Frames before and after a phone in which the closure may lie: the lips close before the audio stops.
_AROUND = 1
# Lips met if the gap fell to this fraction of the usual one.
MET = 0.5
# Eye distances. A mouth that is usually less open than this does not open, so it does not close either.
LEAST_OPENING = 0.02


def is_bilabial(name: str) -> bool:
    """Whether a phone is a P, B or M, whatever its stress, length or voice."""
    return name.strip().lower().lstrip(_MARKS)[:1] in tuple(_BILABIAL)


def closure_depths(opening: np.ndarray, phones: Sequence[Phone]) -> tuple[np.ndarray, str]:
    """(how far the lips close at each P, B and M within the clip `[K]`, "") or (none, why there are no figures).

    opening: gap of the inner lips in eye distances `[T]` at 25 frames a second. 0: not below the usual gap, 1: wholly. The
    usual gap is the median over the frames in which something else is spoken. Raises UserError for a phone that ends
    before it starts.
    """
    if any(end < start for start, end, _ in phones):
        raise UserError("A phone ends before it starts; phones are (start, end, name) in seconds.")
    count = len(opening)
    windows = [_frames(start, end, count, _AROUND) for start, end, name in phones if is_bilabial(name)]
    windows = [window for window in windows if len(window)]
    if not windows:
        return np.zeros(0), "no P, B or M is spoken"
    spoken = [_frames(start, end, count, 0) for start, end, name in phones if any(map(str.isalpha, name))]
    others = np.setdiff1d(np.concatenate(spoken), np.concatenate(windows))
    if not len(others):
        return np.zeros(0), "nothing but P, B and M is spoken"
    usual = float(np.median(opening[others]))
    least = np.array([opening[window].min() for window in windows])
    return ((usual - least) / max(usual, LEAST_OPENING)).clip(0, 1), ""


def measure_lips_meet(opening: np.ndarray, phones: Sequence[Phone]) -> list[Measurement]:
    """LIPS_MEET of a clip: share of P, B and M at which the lips met and the mean depth, both 0 .. 1, and their number.

    A frozen mouth has 0 whether open or shut. Refused for a clip without P, B and M, or in which nothing else is spoken.
    """
    depths, reason = closure_depths(opening, phones)
    if reason:
        return [refuse(name, reason) for name in LIPS_MEET]
    met = float((depths >= 1 - MET).mean())
    return [
        Measurement(name, value)
        for name, value in zip(LIPS_MEET, (met, float(depths.mean()), len(depths)), strict=True)
    ]


def _frames(start: float, end: float, count: int, around: int) -> np.ndarray:
    first = int(np.floor(start * FRAMES_PER_SECOND)) - around
    last = int(np.ceil(end * FRAMES_PER_SECOND)) + around
    return np.arange(max(first, 0), min(last, count))
