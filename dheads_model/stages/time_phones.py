"""Phone times of the clips of a packed shard: those that the corpus knows, else by forced alignment of the transcript.

A corpus that knows its phone times has a table `SHARD.phonemes.parquet` among the files of its source stage, with the
columns clip, start, end (seconds on the source's clock) and phoneme.
"""

from pathlib import Path

import pandas as pd

from dheads_model.manifest import Outcome, process_clips, read_manifest, verify_file
from dheads_model.media.forced_alignment import align_phones
from dheads_model.metrics.phones import SpokenPhones
from dheads_model.shards.reader import ShardClip, read_shard
from dheads_model.stages.phones import phones_by_clip, write_phones

_KNOWN = ".phonemes.parquet"


def time_phones(shard: Path | str, source_manifest: Path | str, output: Path | str) -> list[Outcome]:
    """Write the phones of the clips of a shard, in seconds from the clip's begin; returns the outcome of each clip.

    Every readable clip is ok; its facts say where the times are from (`from`: corpus or alignment), or why there are none
    (`reason`).
    """
    known = _known_phones(source_manifest)
    timed: dict[str, SpokenPhones] = {}

    def work(name: str, clip: ShardClip) -> dict:
        timed[name] = _moved(known[name], clip.facts["source_start"]) if name in known else _aligned(clip)
        if timed[name].reason:
            return {"reason": timed[name].reason}
        return {"from": "corpus" if name in known else "alignment", "phones": len(timed[name].phones)}

    outcomes = process_clips(((clip.clip, clip) for clip in read_shard(shard)), work)
    write_phones(output, timed)
    return outcomes


def _aligned(clip: ShardClip) -> SpokenPhones:
    if "word_frames" in clip.facts:
        return SpokenPhones(reason="the transcript is one word of a longer utterance")
    return SpokenPhones(*align_phones(clip.audio, clip.transcript))


def _known_phones(source_manifest: Path | str) -> dict[str, SpokenPhones]:
    """Phones on the source's clock, of the clips of a corpus that knows them."""
    found: dict[str, SpokenPhones] = {}
    for file in read_manifest(source_manifest).files:
        if file.name.endswith(_KNOWN):
            table = pd.read_parquet(verify_file(source_manifest, file))
            found |= phones_by_clip(table.rename(columns={"phoneme": "phone"}))
    return found


def _moved(spoken: SpokenPhones, seconds: float) -> SpokenPhones:
    return SpokenPhones(tuple((start - seconds, end - seconds, name) for start, end, name in spoken.phones))
