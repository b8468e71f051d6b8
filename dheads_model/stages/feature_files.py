"""Features of the clips of a shard as Parquet: one row a frame or window, equal numbers give equal bytes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dheads_model.errors import UserError
from dheads_model.files import atomic_path


def write_features(path: Path | str, size: int, clips: Sequence[tuple[str, np.ndarray]]) -> None:
    """Write (clip id, features float32 `[K, size]`) of each clip, whole or not at all."""
    names = [clip for clip, rows in clips for _ in rows]
    flat = np.concatenate([np.empty(0, np.float32), *(rows.reshape(-1) for _, rows in clips)])
    features = pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), size)
    with atomic_path(path) as temporary:
        pq.write_table(
            pa.table({"clip": pa.array(names, pa.string()), "features": features}), temporary, compression="zstd"
        )


def read_features(path: Path | str, size: int) -> list[tuple[str, np.ndarray]]:
    """(clip id, features float32 `[K, size]`) of each clip, in the order of the file."""
    table = pq.read_table(path, memory_map=False).combine_chunks()
    kind = table.schema.field("features").type
    if kind.list_size != size:
        raise UserError(f"{path} has {kind.list_size} features a row instead of {size}; delete it to make it again.")
    clips = table.column("clip").to_numpy(zero_copy_only=False)
    chunks = table.column("features").chunks
    values = chunks[0].flatten().to_numpy(zero_copy_only=False) if chunks else np.empty(0, np.float32)
    rows = values.reshape(-1, size)
    starts = np.flatnonzero(np.concatenate([[True], clips[1:] != clips[:-1]])) if len(clips) else []
    ends = [*starts[1:], len(clips)]
    return [(str(clips[start]), rows[start:end]) for start, end in zip(starts, ends, strict=False)]
