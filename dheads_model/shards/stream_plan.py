"""The order of the training windows of a streamed split, as a function of the seed and the position.

An epoch takes every frame of the split as target once, in `passes` passes over all shards. Each pass reads the shards in a
new order, a block of shards at a time, and from every shard the frames that belong to the pass; the windows of a block are
shuffled together. So the clip and frame of a window depend on the seed and its position only, and a training resumes at
any position after reading one block.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.manifest import read_manifest
from dheads_model.shards.index import Index

# Number of parts of a block that consecutive windows come from. Of N ranks each takes every N-th window; if N divides
# this number, each rank has its own clips.
LANES = 96
# Third words of seeds; batches draw from (seed, step), which numpy treats as (seed, step, 0).
_SHARDS, _FRAMES, _CLIPS, _STRATA = 1, 2, 3, 4


@dataclass(frozen=True)
class Block:
    """Windows of some shards, in order of use: `start`, position of the first among all windows of the training; `shards`,
    their numbers in the plan; `clips`, (shard, name) of each clip, and their `lengths` in frames; `owners` and `targets`
    int64 `[W]`, clip and frame of each window."""

    start: int
    shards: tuple[int, ...]
    clips: tuple[tuple[int, str], ...]
    lengths: np.ndarray
    owners: np.ndarray
    targets: np.ndarray

    def owners_of(self, residues: range, modulus: int, first: int = 0) -> list[int]:
        """Clips of the windows from position `first` on whose position leaves one of `residues` when divided by `modulus`."""
        positions = self.start + np.arange(len(self.owners))
        wanted = np.isin(positions % modulus, residues) & (positions >= first)
        return np.unique(self.owners[wanted]).tolist()


@dataclass(frozen=True)
class StreamPlan:
    """manifests, frames: of each shard with clips. frames_at_once: largest number of frames of a block, which has at
    least one shard. passes: number of times that a clip is decoded in an epoch."""

    manifests: tuple[Path, ...]
    frames: tuple[int, ...]
    frames_at_once: int
    passes: int
    seed: int

    @classmethod
    def of(cls, index: Index, split: str, frames_at_once: int, passes: int, seed: int) -> "StreamPlan":
        """The plan of one split of a dataset. Raises UserError when it holds no clip."""
        shards = [shard for shard in index.shards if shard["split"] == split and shard["clips"]]
        if not shards:
            raise UserError(f"the {split} split of {index.path} holds no clip; results/data_card.md has the reasons.")
        frames = tuple(shard["frames"] for shard in shards)
        return cls(tuple(index.manifests(split)), frames, frames_at_once, passes, seed)

    def blocks(self, position: int = 0) -> Iterator[Block]:
        """An infinite stream of blocks, starting with the one that contains the window at `position`."""
        epoch = position // sum(self.frames)
        start = epoch * sum(self.frames)
        number = epoch * self.passes
        while True:
            for order, shards in enumerate(self._groups(number)):
                count = sum(self._count(shard, number % self.passes) for shard in shards)
                if count and start + count > position:
                    yield self._block(start, number, order, shards)
                start += count
            number += 1

    def strata(self, step: int, batch_size: int) -> np.ndarray:
        """The range of noise levels, of `batch_size` equally likely ones, for each row of a step's batch, int64 `[B]`.

        A permutation that changes with the step: many batch sizes divide LANES, so a row's number determines its lane and
        thus, for hundreds of steps, the few clips of its windows.
        """
        return np.random.default_rng([self.seed, step, _STRATA]).permutation(batch_size)

    def _groups(self, number: int) -> Iterator[tuple[int, ...]]:
        """Shards of each block of a pass."""
        group, held = [], 0
        for shard in np.random.default_rng([self.seed, number, _SHARDS]).permutation(len(self.frames)).tolist():
            if group and held + self.frames[shard] > self.frames_at_once:
                yield tuple(group)
                group, held = [], 0
            group.append(shard)
            held += self.frames[shard]
        yield tuple(group)

    def _count(self, shard: int, part: int) -> int:
        """Number of a shard's frames that belong to the epoch's pass `part`."""
        return len(range(part, self.frames[shard], self.passes))

    def _block(self, start: int, number: int, order: int, shards: tuple[int, ...]) -> Block:
        epoch, part = divmod(number, self.passes)
        names, lengths, frames = [], [], []
        for shard in shards:
            known = _clip_lengths(self.manifests[shard])
            if sum(known.values()) != self.frames[shard]:
                raise UserError(
                    f"{self.manifests[shard]} is not the one that the index was made from; make the index again."
                )
            # A permutation of the shard's frames, of which this pass takes every k-th (k = passes).
            turns = np.random.default_rng([self.seed, epoch, _FRAMES, shard]).permutation(self.frames[shard])
            frames.append(sum(lengths) + turns[part :: self.passes])
            names += [(shard, name) for name in known]
            lengths += known.values()
        lengths = np.array(lengths)
        ends = np.cumsum(lengths)
        frames = np.concatenate(frames)
        owners = np.searchsorted(ends, frames, side="right")
        generator = np.random.default_rng([self.seed, number, _CLIPS, order])
        use = _spread(owners, generator.permutation(len(names)), generator)
        return Block(start, shards, tuple(names), lengths, owners[use], (frames - (ends - lengths)[owners])[use])


def _spread(owners: np.ndarray, place: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Order of windows: clips sorted by `place`, cut into LANES equal parts, each shuffled, then interleaved."""
    row = np.argsort(place[owners], kind="stable")
    dealt = len(row) // LANES * LANES
    lanes = generator.permuted(row[:dealt].reshape(LANES, -1), axis=1)
    return np.concatenate([lanes.T.reshape(-1), generator.permutation(row[dealt:])])


@functools.lru_cache(maxsize=64)
def _clip_lengths(manifest: Path) -> dict[str, int]:
    """Frames of each clip of a packed shard, in the order of the manifest. Raises UserError for a clip of one frame."""
    lengths = {clip: facts["frames"] for clip, facts in read_manifest(manifest).ok().items()}
    for clip, count in lengths.items():
        if count < 2:
            raise UserError(f"clip {clip} has one frame only; raise config key track.min_frames.")
    return lengths
