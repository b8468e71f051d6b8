"""GRID's clips, checked and hashed, with the words of each and their times."""

import logging
from collections.abc import Iterable
from pathlib import Path

from dheads_model.corpora.grid.alignment import read_words
from dheads_model.corpora.plan import PlannedClip
from dheads_model.errors import UserError
from dheads_model.manifest import Outcome, process_clips
from dheads_model.media.container import probe
from dheads_model.stages.adopt import adopt_clip

log = logging.getLogger(__name__)


def adopt_sentence(clip: PlannedClip) -> dict:
    """Facts of one clip; `words`, if it has an alignment: [start, end, word] each, in seconds on the clock of its file.

    Raises ClipFailed or ClipFiltered as `adopt_clip` does. An alignment that cannot be used is logged, and `words` is left out.
    """
    facts = adopt_clip(clip)
    if "alignment" not in clip.extra:
        return facts
    path = Path(clip.extra["alignment"])
    try:
        words = read_words(path.read_text(encoding="utf-8", errors="replace"), clip.transcript)
    except (UserError, OSError) as problem:
        log.warning("clip %s has no word times: %s: %s", clip.clip, path, problem)
        return facts
    start = probe(clip.path).audio_start or 0.0
    return facts | {"words": [[round(start + a, 5), round(start + b, 5), word] for a, b, word in words]}


def adopt_sentences(clips: Iterable[PlannedClip]) -> list[Outcome]:
    """Adopt the planned clips of a shard; returns the outcome of each."""
    return process_clips(((clip.clip, clip) for clip in clips), lambda _, clip: adopt_sentence(clip))
