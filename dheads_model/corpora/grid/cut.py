"""Division of GRID into splits and shards, by speaker. Standard library only: the Snakefile calls this.

A shard has clips of one speaker, and its number follows from the speaker's number: one more speaker adds shards and changes
none. The clips of a speaker that was not fetched yet are known by their number alone.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dheads_model.corpora.grid.names import SENTENCES_PER_SPEAKER, SPEAKERS
from dheads_model.corpora.plan import PlannedClip, PlannedShard, ShardOutline

# Mean size of a clip; only the disk's room is reckoned with it. 49 clips of s1: 427 kB.
CLIP_BYTES = 430_000


@dataclass(frozen=True)
class Cut:
    """The keys of the config block `grid` that decide which clips form a shard, and `sharding.clips_per_shard`."""

    test_speakers: Sequence[int]
    validation_speakers: Sequence[int]
    clips_per_speaker: int | None
    clips_per_shard: int

    def split(self, speaker: int) -> str:
        """Split of all clips of a speaker."""
        if speaker in self.test_speakers:
            return "test"
        return "val" if speaker in self.validation_speakers else "train"

    def clips(self) -> int:
        """Number of clips of a speaker whose names are not known."""
        return min(self.clips_per_speaker or SENTENCES_PER_SPEAKER, SENTENCES_PER_SPEAKER)

    def shards(self) -> int:
        """Number of shards of a speaker whose clips are not known: every speaker has as many numbers."""
        return -(-self.clips() // self.clips_per_shard)

    def number(self, speaker: int, part: int) -> str:
        """Five-digit number of one of a speaker's shards."""
        return f"{(speaker - 1) * self.shards() + part:05d}"

    def speaker(self, number: str) -> int:
        """The speaker that a shard belongs to."""
        return int(number) // self.shards() + 1


def outline_speakers(cut: Cut, speakers: Iterable[int], alignments: bool) -> list[ShardOutline]:
    """Outlines of the shards of speakers, before the names of their clips are known."""
    outlines = []
    for speaker in sorted(speakers):
        for part, (start, end) in enumerate(_bounds(cut.clips(), cut.shards())):
            number, split = cut.number(speaker, part), cut.split(speaker)
            known = [number, speaker, split, part, cut.shards(), cut.clips(), alignments]
            digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]
            size = (end - start) * CLIP_BYTES
            outlines.append(ShardOutline(number, split, end - start, size, digest, estimated=True))
    return outlines


def choose(names: Iterable[str], clips_per_speaker: int | None) -> list[str]:
    """The clips of a speaker that are used, by their ids, in a fixed arbitrary order: that many of them, or all."""
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    return order[:clips_per_speaker]


def cut_shards(clips: Iterable[PlannedClip], cut: Cut, as_outlined: bool) -> list[PlannedShard]:
    """The clips as shards, in the order of their numbers; a shard without a clip is left out.

    as_outlined: as many shards as `outline_speakers` tells, however many clips a speaker has.
    """
    by_speaker: dict[int, dict[str, PlannedClip]] = {}
    for clip in clips:
        by_speaker.setdefault(int(clip.speaker[1:]), {})[clip.clip] = clip
    shards = []
    for speaker, members in sorted(by_speaker.items()):
        order = choose(members, None)
        count = cut.shards() if as_outlined else min(cut.shards(), -(-len(order) // cut.clips_per_shard))
        for part, (start, end) in enumerate(_bounds(len(order), count)):
            if start < end:
                chosen = tuple(members[name] for name in sorted(order[start:end]))
                shards.append(PlannedShard(cut.number(speaker, part), cut.split(speaker), chosen))
    return shards


def chosen_speakers(settings: Mapping) -> list[int]:
    """Numbers of the configured speakers, in order."""
    return sorted(SPEAKERS if settings["speakers"] is None else settings["speakers"])


def _bounds(clips: int, count: int) -> list[tuple[int, int]]:
    """(start, end) of each of `count` parts of nearly equal size."""
    return [(part * clips // count, (part + 1) * clips // count) for part in range(count)]
