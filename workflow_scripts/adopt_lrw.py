"""Check and hash the planned clips of LRW; the files stay where they are."""

from pathlib import Path

from dheads_model.corpora.lrw.check import check_clip
from dheads_model.corpora.lrw.metadata import read_word_seconds, word_span
from dheads_model.corpora.plan import PlannedClip
from dheads_model.manifest import process_clips
from workflow_scripts.adopt_clips import adopt
from workflow_scripts.command import add_budget, parser, run
from workflow_scripts.finish import finish_stage
from workflow_scripts.planned_shard import add_plan, planned_shard


def adopt_word(clip: PlannedClip) -> dict:
    """Facts of one clip, with its word and when it is said.

    word_seconds: from the text beside the clip. word_frames: first frame of the word, and the one after its last.
    Raises ClipFailed or ClipFiltered as `adopt`, `check_clip` and `read_word_seconds` do.
    """
    facts = adopt(clip)
    check_clip(clip.path)
    seconds = read_word_seconds(Path(clip.path).with_suffix(".txt"))
    return facts | {"word": clip.transcript, "word_seconds": seconds, "word_frames": list(word_span(seconds))}


def main(given) -> None:
    shard = planned_shard(given, "lrw")
    outcomes = process_clips(((clip.clip, clip) for clip in shard.clips), lambda _, clip: adopt_word(clip))
    finish_stage(given, "adopt_lrw", "lrw", shard, outcomes, more_settings={"membership": given.membership})


if __name__ == "__main__":
    arguments = add_plan(add_budget(parser(__doc__)))
    run("workflow_scripts.adopt_lrw", arguments, main)
