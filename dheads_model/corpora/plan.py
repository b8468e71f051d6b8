"""Assignment of clips to shards, before any file is opened. Standard library only: the Snakefile calls this."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import write_json

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)  # half a million of them are held while the Snakefile is read
class PlannedClip:
    """A clip before it is opened.

    clip: id of [A-Za-z0-9_-]. path: the source file, None if it will be generated. extra: further facts of the corpus;
    `bytes` and `mtime_ns` of the source file, if present, determine whether it has changed.
    """

    clip: str
    speaker: str
    split: str
    transcript: str = ""
    path: str | None = None
    extra: dict = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedShard:
    """A fixed set of clips of one split, sorted by clip id; `shard` is its five-digit number in the dataset."""

    shard: str
    split: str
    clips: tuple[PlannedClip, ...]


@dataclass(frozen=True)
class ShardOutline:
    """A shard for the workflow's graph, without its clips, because a corpus can have half a million of them.

    clips: their number. bytes: of their source files, 0 if they are generated. membership: see `membership`.
    estimated: whether number and bytes are those that were published, and the files may differ.
    """

    shard: str
    split: str
    clips: int
    bytes: int
    membership: str
    estimated: bool = False


def plan_shards(clips: Iterable[PlannedClip], clips_per_shard: int) -> list[PlannedShard]:
    """Cut clips, sorted by split and id, into shards of at most `clips_per_shard`. Raises UserError for an id used twice."""
    shards = []
    for split, members in _by_split(clips).items():
        for start in range(0, len(members), clips_per_shard):
            number = f"{len(shards):05d}"
            shards.append(PlannedShard(number, split, tuple(members[start : start + clips_per_shard])))
    return shards


def plan_stable_shards(clips: Iterable[PlannedClip], clips_per_shard: int) -> list[PlannedShard]:
    """Cut clips into shards so that adding or removing a clip changes one shard; raises UserError for an id used twice.

    A hash of its id selects the shard of a clip within its split. The number of shards is a power of two: when a split
    outgrows its shards, all of its clips are reassigned, and shards have at most `clips_per_shard` clips on average. Empty
    shards are left out.
    """
    shards, first = [], 0
    for split, members in _by_split(clips).items():
        count = 1
        while count * clips_per_shard < len(members):
            count *= 2
        cut: dict[int, list[PlannedClip]] = {}
        for clip in members:
            cut.setdefault(int(hashlib.sha256(clip.clip.encode()).hexdigest(), 16) % count, []).append(clip)
        shards += [PlannedShard(f"{first + place:05d}", split, tuple(cut[place])) for place in sorted(cut)]
        first += count if members else 0
    return shards


def _by_split(clips: Iterable[PlannedClip]) -> dict[str, list[PlannedClip]]:
    """Clips sorted by id, of each split; raises UserError for an id used twice."""
    by_split: dict[str, list[PlannedClip]] = {split: [] for split in SPLITS}
    seen: set[str] = set()
    for clip in clips:
        if clip.clip in seen:
            raise UserError(f"two clips have the id {clip.clip}; rename one of them.")
        seen.add(clip.clip)
        by_split[clip.split].append(clip)
    return {split: sorted(members, key=lambda clip: clip.clip) for split, members in by_split.items()}


def membership(shard: PlannedShard) -> str:
    """12 hex digits that change when the shard's clips, their labels or their source files change."""
    # Not asdict, which copies every clip deeply: half a million of them are hashed whenever the Snakefile is read.
    clips = [(c.clip, c.speaker, c.split, c.transcript, c.path, sorted(c.extra.items())) for c in shard.clips]
    return hashlib.sha256(json.dumps([shard.shard, shard.split, clips]).encode()).hexdigest()[:12]


def outline(shard: PlannedShard) -> ShardOutline:
    """The outline of a planned shard for the workflow's graph."""
    size = sum(clip.extra.get("bytes", 0) for clip in shard.clips)
    return ShardOutline(shard.shard, shard.split, len(shard.clips), size, membership(shard))


def outline_counts(counts: Mapping[str, int], clips_per_shard: int, clip_bytes: int, corpus: str) -> list[ShardOutline]:
    """Outlines of the shards of `plan_shards` from the number of clips per split, before their names are known.

    clip_bytes: mean size of a source file. corpus: replaces the names in the memberships, and changes when they do.
    """
    outlines = []
    for split in SPLITS:
        for start in range(0, counts[split], clips_per_shard):
            number, clips = f"{len(outlines):05d}", min(clips_per_shard, counts[split] - start)
            known = hashlib.sha256(json.dumps([number, split, clips, corpus]).encode()).hexdigest()[:12]
            outlines.append(ShardOutline(number, split, clips, clips * clip_bytes, known))
    return outlines


def assign_splits(
    speakers: Iterable[str], validation_fraction: float, test_fraction: float, seed: int = 0
) -> dict[str, str]:
    """Split of each speaker: ordered by a hash of (seed, name), the first are test, the next validation speakers.

    At least one speaker is a test speaker; the numbers of the others follow from the fractions (0..1), rounded. A
    speaker's split depends on the other speakers: equal speakers and seed give equal splits in any order.
    """
    order = sorted(set(speakers), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest())
    tested = max(1, round(test_fraction * len(order)))
    validated = round(validation_fraction * len(order))
    labels = ["test"] * tested + ["val"] * validated
    labels += ["train"] * max(0, len(order) - len(labels))
    return dict(zip(order, labels, strict=False))


def write_plan(path: Path | str, dataset: str, shard: PlannedShard) -> None:
    """Write the plan of one shard as JSON, without modification times, so that equal plans give equal bytes."""
    content = {"dataset": dataset, **asdict(shard)}
    for clip in content["clips"]:
        clip["extra"].pop("mtime_ns", None)
    write_json(path, content)


def read_plan(path: Path | str) -> tuple[str, PlannedShard]:
    """(dataset, shard) of a plan file; raises UserError when it is missing or unusable."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        clips = tuple(PlannedClip(**clip) for clip in content["clips"])
        return content["dataset"], PlannedShard(content["shard"], content["split"], clips)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path} is not a usable plan ({problem}); delete it to make it again.") from problem
