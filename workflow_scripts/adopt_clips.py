"""Hash and probe the planned clips of a dataset whose files are on disk; they stay where they are."""

import os
from pathlib import Path

from dheads_model.corpora.plan import PlannedClip
from dheads_model.corpora.source import source_facts
from dheads_model.errors import ClipFailed, ClipFiltered
from dheads_model.files import sha256_of
from dheads_model.manifest import process_clips
from dheads_model.media.container import probe
from workflow_scripts.command import add_budget, parser, run
from workflow_scripts.finish import finish_stage
from workflow_scripts.planned_shard import add_plan, planned_shard


def adopt(clip: PlannedClip) -> dict:
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


def main(given) -> None:
    shard = planned_shard(given, given.dataset)
    outcomes = process_clips(((clip.clip, clip) for clip in shard.clips), lambda _, clip: adopt(clip))
    finish_stage(given, "adopt_clips", given.dataset, shard, outcomes, more_settings={"membership": given.membership})


if __name__ == "__main__":
    arguments = add_plan(add_budget(parser(__doc__)))
    run("workflow_scripts.adopt_clips", arguments, main)
