"""Word error of a lip reader that knows a list of single words; NumPy alone.

On LRW a clip is one word of 500, so the paper's WER is the share of clips whose word a lip reader takes for another one. The
value depends on the reader: its name is part of the metric's name, and the row of the ground truth says how well it reads
real lips.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dheads_model.metrics.measurement import Measurement, refuse


@dataclass(frozen=True)
class WordReader:
    """A lip reader. words: its classes in their order, upper case. least_frames: shorter clips are refused.

    read: (frames uint8 RGB `[T, H, W, 3]`, landmarks float32 `[T, 68, 2]` in their pixels, gaps filled) -> scores float32
    `[len(words)]`, higher for a likelier word; None where the face cannot be aligned.
    """

    words: tuple[str, ...]
    read: Callable[[np.ndarray, np.ndarray], np.ndarray | None]
    least_frames: int = 1


def no_word(word: str, words: tuple[str, ...]) -> str:
    """Why a clip that says `word` ("" for no label) has no word error for a reader of `words`, "" if it has one."""
    if not word:
        return "the clip has no word label; a word reader needs clips of single words, as LRW's are"
    if word not in words:
        return f"the word {word} is none of the {len(words)} that the reader knows"
    return ""


def measure_word_error(
    metric: str, reader: WordReader, frames: np.ndarray, landmarks: np.ndarray, word: str
) -> Measurement:
    """0 if the reader takes a clip for its word, else 1; refused where `no_word` says why, for short clips and faces that
    cannot be aligned. Arguments: see `WordReader.read`.

    Equal scores count as an error: a reader that cannot decide has not read the word.
    """
    if reason := no_word(word, reader.words):
        return refuse(metric, reason)
    if len(frames) < reader.least_frames:
        return refuse(metric, f"fewer than {reader.least_frames} frames")
    scores = reader.read(frames, landmarks)
    if scores is None:
        return refuse(metric, "the face cannot be aligned to the mean face")
    right = scores[reader.words.index(word)]
    return Measurement(metric, float((scores >= right).sum() > 1))
