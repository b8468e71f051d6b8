"""The order of training windows when clips pass through memory: where any window of the training comes from, as arithmetic.

An epoch takes every frame of the split as target once, in `passes` passes over all shards. Each pass reads the shards in a
new order, some at a time (a block), and of every shard the frames whose turn it is; the windows of a block are shuffled
together. So a window's place is a function of the seed and its position alone, and a training goes on at any position
after one block was read.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.manifest import read_manifest
from dheads_model.shards.index import Index

# Neighbouring windows come from so many different parts of a block. Distributed that share batches take every so manyth
# window, and if their number divides this one, each meets clips of its own.
LANES = 96
# Third words of seeds; batches draw from (seed, step), which numpy takes for (seed, step, 0).
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
    """manifests, frames: of each shard with clips. frames_at_once: a block holds as many shards as have so many frames, at
    least one. passes: times that a clip is decoded in an epoch."""

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
            raise UserError(f"the {split} split of {index.path} holds no clip; look at results/data_card.md for why.")
        frames = tuple(shard["frames"] for shard in shards)
        return cls(tuple(index.manifests(split)), frames, frames_at_once, passes, seed)

    def blocks(self, position: int = 0) -> Iterator[Block]:
        """Blocks without end, from the one that holds the window at `position`."""
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
        """Which of `batch_size` equally likely ranges of noise levels each row of a step's batch draws from, int64 `[B]`.

        A permutation that changes with the step: lanes divide by many batch sizes, so a row's number tells the lane and
        with it, for hundreds of steps, the few clips that its windows are of.
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
        """Number of a shard's frames whose turn is in the epoch's pass `part`."""
        return len(range(part, self.frames[shard], self.passes))

    def _block(self, start: int, number: int, order: int, shards: tuple[int, ...]) -> Block:
        epoch, part = divmod(number, self.passes)
        names, lengths, frames = [], [], []
        for shard in shards:
            known = _clip_lengths(self.manifests[shard])
            if sum(known.values()) != self.frames[shard]:
                raise UserError(
                    f"{self.manifests[shard]} is not the one that the index was made of; make the index again."
                )
            # Every frame of the shard has one place in this order, and every `passes`th one of them is taken now.
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
    """An order of windows: clips in a row by `place`, cut into LANES equal parts, each shuffled, dealt out in turns."""
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
