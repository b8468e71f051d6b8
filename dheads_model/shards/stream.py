"""Training windows from shards that do not fit into memory: read by webdataset, decoded by worker processes.

The order is that of `stream_plan`; this module loads the clips in time. While the windows of one block are used, the
next block's clips are decoded, so that at most two blocks are in memory. Each rank decodes only the clips of its own
slice of the batches.
"""

import contextlib
import os
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np
import torch
import webdataset

from dheads_model.errors import UserError
from dheads_model.manifest import StoredFile, verify_file
from dheads_model.shards.index import Index, read_index
from dheads_model.shards.loader import Batch, LoadedClip, frame_bytes, load_clip, load_split, sample_batch, window
from dheads_model.shards.reader import ShardClip, unpack_clip
from dheads_model.shards.stream_plan import StreamPlan

_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
_READY_CLIPS = 8  # decoded clips in the queue of each worker


@dataclass(frozen=True)
class ClipStream:
    """A split that is streamed; see `load_split` for image_size and embed, `StreamPlan` for the others.
    workers: decoding processes, 0 for none; they do not change the batches."""

    index: Index
    split: str
    image_size: int
    frames_at_once: int
    passes: int
    workers: int = 1
    embed: Callable[[ShardClip], np.ndarray] | None = None


def open_split(
    index_path: Path | str,
    split: str,
    image_size: int,
    in_memory_bytes: int,
    passes: int,
    workers: int = 1,
    embed: Callable[[ShardClip], np.ndarray] | None = None,
) -> list[LoadedClip] | ClipStream:
    """A split in memory if its decoded frames take at most `in_memory_bytes`, else as a stream with that memory limit.

    The choice depends on the data and the config only, not on the machine, so that batches are the same everywhere.
    """
    index = read_index(index_path)
    if frame_bytes(index, split, image_size) <= in_memory_bytes:
        return load_split(index_path, split, image_size, embed)
    # Half for the block in use, half for the next.
    return ClipStream(index, split, image_size, in_memory_bytes // (6 * image_size**2), passes, workers, embed)


def training_batches(
    clips: list[LoadedClip] | ClipStream,
    batch_size: int,
    seed: int,
    step: int,
    audio_radius: int = 2,
    motion_frames: int = 2,
    share: tuple[range, int] = (range(1), 1),
) -> Iterator[Batch]:
    """An infinite stream of batches, starting with that of `step`; a batch is a function of data, seed and step only.

    share: the rank's slice as (residues, modulus): the rows whose number modulo `modulus` is one of the residues.
    The other rows of a streamed batch are zero, and their clips are not decoded; batch_size is a multiple of the modulus.
    Raises UserError for a split without clips, a clip of one frame, and a shard that is not what the index says.
    """
    if not isinstance(clips, ClipStream):
        for number in count(step):
            yield sample_batch(clips, batch_size, seed, number, audio_radius, motion_frames)
    plan = StreamPlan.of(clips.index, clips.split, clips.frames_at_once, clips.passes, seed)
    drawn = _places(clips, plan, step * batch_size, *share)
    for number in count(step):
        owners, names, targets, lengths = zip(*islice(drawn, batch_size), strict=True)
        lengths = np.array(lengths)
        others = np.random.default_rng([seed, number]).integers(0, lengths - 1)
        others = (np.array(targets) + 1 + others) % lengths
        windows = [
            None if owner is None else window(owner, target, int(other), audio_radius, motion_frames)
            for owner, target, other in zip(owners, targets, others, strict=True)
        ]
        empty = [np.zeros_like(part) for part in next(filter(None, windows))]
        arrays = [np.stack(parts) for parts in zip(*(found or empty for found in windows), strict=True)]
        yield Batch(*arrays, names, np.array(targets), plan.strata(number, batch_size))


def _places(clips: ClipStream, plan: StreamPlan, position: int, residues: range, modulus: int) -> Iterator[tuple]:
    """(clip or None if it is another rank's, its name, target frame, number of frames) of each window in order."""
    here: dict[int, dict[int, LoadedClip]] = defaultdict(dict)

    def bring(serial: int, least: int) -> None:
        """Wait until at least that many clips of a block are decoded."""
        while len(here[serial]) < least:
            number, owner, clip = next(arriving)
            if isinstance(clip, UserError):
                raise clip
            here[number][owner] = clip

    with _arriving(clips, partial(_planned_clips, clips, plan, position, residues, modulus)) as arriving:
        blocks = plan.blocks(position)
        block = next(blocks)
        wanted = len(block.owners_of(residues, modulus, position))
        for serial in count():
            following = next(blocks)
            wanted_next = len(following.owners_of(residues, modulus))
            bring(serial, wanted)
            for place in range(max(position - block.start, 0), len(block.owners)):
                bring(serial + 1, wanted_next * (place + 1) // len(block.owners))
                owner = block.owners[place]
                mine = (block.start + place) % modulus in residues
                yield (
                    here[serial][owner] if mine else None,
                    block.clips[owner][1],
                    int(block.targets[place]),
                    int(block.lengths[owner]),
                )
            del here[serial]
            block, wanted = following, wanted_next


@contextlib.contextmanager
def _arriving(clips: ClipStream, planned: Callable[[], Iterator]) -> Iterator[Iterator[tuple]]:
    """Requested clips of all blocks in order, as (number of the block, number of the clip in it, clip or error)."""
    pipeline = webdataset.DataPipeline(planned, partial(_decoded, clips))
    if not clips.workers:
        yield iter(pipeline)
        return
    loader = torch.utils.data.DataLoader(
        pipeline,
        batch_size=None,
        num_workers=clips.workers,
        prefetch_factor=_READY_CLIPS,
        worker_init_fn=_start_worker,
        generator=torch.Generator(),  # otherwise it would advance the training's generator
    )
    arriving = iter(loader)
    try:
        yield arriving
    finally:
        # Explicitly, because the garbage collector runs too late at interpreter exit, and the workers ignore SIGTERM and
        # would never end.
        arriving._shutdown_workers()


def _planned_clips(
    clips: ClipStream, plan: StreamPlan, position: int, residues: range, modulus: int
) -> Iterator[tuple[int, Path, dict[str, int]]]:
    """(number of the block, a shard's manifest, {clip's name: its number}) of this worker's clips: every k-th of k workers."""
    worker = torch.utils.data.get_worker_info()
    mine, workers = (worker.id, worker.num_workers) if worker else (0, 1)
    turn = 0
    for serial, block in enumerate(plan.blocks(position)):
        wanted = block.owners_of(residues, modulus, position)
        # Counted across blocks: the loader takes clips from the workers in turn, so each needs the same number.
        owners = wanted[(mine - turn) % workers :: workers]
        turn += len(wanted)
        for shard in block.shards:
            names = {block.clips[owner][1]: owner for owner in owners if block.clips[owner][0] == shard}
            if names:
                yield serial, plan.manifests[shard], names


def _decoded(clips: ClipStream, planned: Iterator[tuple[int, Path, dict[str, int]]]) -> Iterator[tuple]:
    """The planned clips. The first error is yielded in place of its clip and ends the stream, so that its message is kept."""
    verified: dict[Path, tuple] = {}
    for serial, manifest, names in planned:
        try:
            tar = _verified(clips.index, manifest, verified)
            for name, members in _samples(tar):
                if name in names:
                    owner = names.pop(name)
                    yield serial, owner, load_clip(unpack_clip(name, members), clips.image_size, clips.embed)
            if names:
                raise UserError(f"{tar} lacks clip {min(names)}; delete {manifest} to make both again.")
        except UserError as problem:
            yield serial, -1, problem
            return


def _start_worker(_: int) -> None:
    """Ignore signals to the process group: the training needs clips for its last step and ends its workers itself."""
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    cv2.setNumThreads(0)
    threading.Thread(target=_leave_after, args=(os.getppid(),), daemon=True).start()


def _leave_after(parent: int) -> None:
    """End this process after its parent was killed; a worker with undelivered clips would wait forever."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _verified(index: Index, manifest: Path, known: dict[Path, tuple]) -> Path:
    """Path of a shard's tar after its sha256 was verified against the index; verified again only if the file has changed."""
    (shard,) = (shard for shard in index.shards if index.path.parent / shard["manifest"] == manifest)
    tar = manifest.with_suffix(".tar")
    seen = (tar.stat().st_mtime_ns, tar.stat().st_size) if tar.is_file() else None
    if seen is None or known.get(tar) != seen:
        verify_file(manifest, StoredFile(tar.name, shard["bytes"], shard["sha256"]))
        known[tar] = seen
    return tar


def _samples(tar: Path) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """(clip, its members as (name, bytes)) of a tar."""
    for sample in webdataset.tarfile_samples([{"url": str(tar)}]):
        name = sample["__key__"]
        yield name, [(f"{name}.{kind}", data) for kind, data in sample.items() if not kind.startswith("__")]
