"""Clips that stay where they are, hashed and probed."""

import os
from collections.abc import Iterable
from pathlib import Path

from dheads_model.corpora.plan import PlannedClip
from dheads_model.corpora.source import source_facts
from dheads_model.errors import ClipFailed, ClipFiltered
from dheads_model.files import sha256_of
from dheads_model.manifest import Outcome, process_clips
from dheads_model.media.container import probe


def adopt_clip(clip: PlannedClip) -> dict:
    """Facts of one source file; raises ClipFailed or ClipFiltered when it cannot be used."""
    path = Path(clip.path)
    if "unusable" in clip.extra:
        raise ClipFailed("unreadable", f"{path}: {clip.extra['unusable']}")
    if not path.is_file():
        raise ClipFailed("missing_file", f"{path} is not there")
    if not os.access(path, os.R_OK):
        raise ClipFailed("unreadable", f"there is no leave to read {path}")
    size = path.stat().st_size
    if size != clip.extra.get("bytes", size):
        raise ClipFailed("source_changed", f"{path} has {size} bytes, {clip.extra['bytes']} were planned")
    facts = probe(path)
    if facts.audio_codec is None:
        raise ClipFiltered("no_audio", f"{path.name} has no sound track")
    return source_facts(clip, path, sha256_of(path), facts)


def adopt_shard(clips: Iterable[PlannedClip]) -> list[Outcome]:
    """Adopt the planned clips of a shard; returns the outcome of each."""
    return process_clips(((clip.clip, clip) for clip in clips), lambda _, clip: adopt_clip(clip))
