"""LRW's clips, checked and hashed, with the word of each and its time."""

from collections.abc import Iterable
from pathlib import Path

from dheads_model.corpora.lrw.check import check_clip
from dheads_model.corpora.lrw.metadata import read_word_seconds, word_span
from dheads_model.corpora.plan import PlannedClip
from dheads_model.manifest import Outcome, process_clips
from dheads_model.stages.adopt import adopt_clip


def adopt_word(clip: PlannedClip) -> dict:
    """Facts of one clip, with its word and its time.

    word_seconds: from the text beside the clip. word_frames: first frame of the word, and the one after its last.
    Raises ClipFailed or ClipFiltered as `adopt_clip`, `check_clip` and `read_word_seconds` do.
    """
    facts = adopt_clip(clip)
    check_clip(clip.path)
    seconds = read_word_seconds(Path(clip.path).with_suffix(".txt"))
    return facts | {"word": clip.transcript, "word_seconds": seconds, "word_frames": list(word_span(seconds))}


def adopt_words(clips: Iterable[PlannedClip]) -> list[Outcome]:
    """Adopt the planned clips of a shard; returns the outcome of each."""
    return process_clips(((clip.clip, clip) for clip in clips), lambda _, clip: adopt_word(clip))
