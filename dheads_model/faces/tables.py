"""The Parquet tables of the stages track, align and landmark: one row per frame; equal numbers give equal bytes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dheads_model.faces.landmarks import COUNT
from dheads_model.files import atomic_path

POINTS = pa.list_(pa.float32(), 2 * COUNT)
MATRIX = pa.list_(pa.float64(), 6)

TRACK = pa.schema(
    [
        ("clip", pa.string()),
        ("frame", pa.int32()),
        ("time", pa.float64()),
        ("landmarks", POINTS),
        ("detected", pa.bool_()),
        ("faces", pa.int16()),
        ("other_boxes", pa.list_(pa.float32())),
    ]
)
ALIGN = pa.schema(
    [
        ("clip", pa.string()),
        ("frame", pa.int32()),
        ("source_frame", pa.int32()),
        ("time", pa.float64()),
        ("matrix", MATRIX),
    ]
)
LANDMARK = pa.schema([("clip", pa.string()), ("frame", pa.int32()), ("landmarks", POINTS)])


def write_table(path: Path | str, schema: pa.Schema, clips: list[tuple[str, dict]]) -> None:
    """Write (clip id, columns by name as arrays of T rows); each clip is a row group."""
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for clip, columns in clips:
            rows = len(columns["frame"])
            arrays = [
                pa.array([clip] * rows) if field.name == "clip" else _array(columns[field.name], field.type)
                for field in schema
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def read_clips(path: Path | str) -> dict[str, dict[str, np.ndarray]]:
    """{clip: {column: array of T rows}}; landmarks are `[T, 68, 2]`, matrices `[T, 2, 3]`."""
    result: dict[str, dict[str, np.ndarray]] = {}
    table = pq.read_table(path, memory_map=False)
    clips = table.column("clip").to_numpy(zero_copy_only=False)
    borders = np.flatnonzero(np.concatenate([[True], clips[1:] != clips[:-1], [True]])) if len(clips) else [0]
    for start, end in zip(borders[:-1], borders[1:], strict=True):
        part = table.slice(start, end - start).combine_chunks()
        columns = {}
        for field in table.schema:
            if field.name in ("clip", "other_boxes"):
                continue
            column = part.column(field.name)
            column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
            if pa.types.is_fixed_size_list(field.type):
                shape = (-1, COUNT, 2) if field.type == POINTS else (-1, 2, 3)
                columns[field.name] = column.flatten().to_numpy(zero_copy_only=False).reshape(shape)
            else:
                columns[field.name] = column.to_numpy(zero_copy_only=False)
        result[str(clips[start])] = columns
    return result


def _array(values, kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_list(kind):
        flat = np.ascontiguousarray(values).reshape(-1)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat, type=kind.value_type), type=kind)
    if pa.types.is_list(kind):
        return pa.array([np.asarray(row).reshape(-1) for row in values], type=kind)
    return pa.array(values, type=kind)
