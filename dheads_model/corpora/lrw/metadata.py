"""The text file beside each clip of LRW: the word and its time. Standard library only."""

import math
import re
from pathlib import Path

from dheads_model.corpora.lrw.layout import CLIP_FRAMES, CLIP_SECONDS
from dheads_model.errors import ClipFailed

# Upper bound of a text of five short lines; larger files are not read into memory.
_LARGEST_TEXT = 65_536
_DURATION = re.compile(r"duration\s*:\s*([0-9]*\.?[0-9]+(?:e[-+]?[0-9]+)?)(?:\s*s(?:ec(?:ond)?s?)?)?", re.IGNORECASE)
# 0.56 s are 7 frames to each side, although binary fractions give 6.999...
_ROUNDING_FRAMES = 1e-6


def read_word_seconds(path: Path | str) -> float:
    """Duration of the word in seconds (0 to 1.16), from the text file beside a clip.

    The text has five lines, the last of which is `Duration: <seconds> seconds`; as in the published loaders, only that
    line is read, and blank lines after it, line ends and spaces are ignored. Raises ClipFailed: missing_file, unreadable
    (no permission), damaged (no duration, or one longer than a clip).
    """
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            content = stream.read(_LARGEST_TEXT + 1)
    except FileNotFoundError as problem:
        raise ClipFailed("missing_file", f"{path} is not there") from problem
    except OSError as problem:
        raise ClipFailed("unreadable", f"{path} cannot be read: {problem.strerror}") from problem
    lines = [line.strip() for line in content[:_LARGEST_TEXT].decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines and len(content) <= _LARGEST_TEXT else ""
    found = _DURATION.fullmatch(last)
    if not found:
        raise ClipFailed("damaged", f"{path} must end in 'Duration: <seconds> seconds', not in {last[:60]!a}")
    seconds = float(found[1])
    if not 0 < seconds <= CLIP_SECONDS:
        raise ClipFailed("damaged", f"{path} gives its word {seconds:g} seconds; the clip has 1.16")
    return seconds


def word_span(seconds: float) -> tuple[int, int]:
    """(first, end) of the frames of a 29-frame clip that contain its word: first to end - 1, the middle one is 14.

    The word is in the middle of the clip. The span is 14 ± floor(12.5 seconds), the half length of mpc001's loader
    (Lipreading_using_Temporal_Convolutional_Networks): the frames whose centre is within the word. The other formula in
    use, voletiv's (lipreading-in-the-wild-experiments), is floor(14.5 - 12.5 seconds) to ceil(14.5 + 12.5 seconds) + 1,
    which adds partially covered frames: one more at an end. Raises ValueError unless 0 < seconds <= 1.16.
    """
    if not 0 < seconds <= CLIP_SECONDS:
        raise ValueError(f"a word in a clip of 1.16 seconds cannot last {seconds}")
    middle = (CLIP_FRAMES - 1) // 2
    half = min(math.floor(seconds / 2 * CLIP_FRAMES / CLIP_SECONDS + _ROUNDING_FRAMES), middle)
    return middle - half, middle + half + 1
