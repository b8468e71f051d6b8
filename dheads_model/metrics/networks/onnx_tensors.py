"""The weights in an ONNX file as tensors by name, without a package for it: a file of protocol buffers, of which the
initializers of the graph are read and nothing else."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dheads_model.errors import UserError
from dheads_model.weights import Weights, check_weights

# Numbers of fields in onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.dims, .data_type, .name, .raw_data.
_GRAPH, _INITIALIZER, _DIMS, _TYPE, _NAME, _RAW = 7, 5, 1, 2, 8, 9
_FLOAT = 1  # TensorProto.DataType


def read_onnx_tensors(path: Path | str, weights: Weights) -> dict[str, Tensor]:
    """Float tensors by name, once the file is the one of `weights`; integers and text, as shapes are, are left out.

    Raises UserError for a file that is missing, another one, or no ONNX file.
    """
    path = check_weights(path, weights)
    try:
        found = dict(_initializers(memoryview(path.read_bytes())))
    except (ValueError, IndexError) as problem:
        raise UserError(f"{path} is no ONNX file with its weights inside: {problem}.") from problem
    if not found:
        raise UserError(f"{path} is no ONNX file with its weights inside: it has none.")
    return found


def _initializers(model: memoryview) -> Iterator[tuple[str, Tensor]]:
    for number, graph in _fields(model):
        if number != _GRAPH:
            continue
        for part, tensor in _fields(graph):
            if part == _INITIALIZER and (read := _tensor(tensor)) is not None:
                yield read


def _tensor(content: memoryview) -> tuple[str, Tensor] | None:
    name, shape, kind, raw = "", [], 0, memoryview(b"")
    for number, value in _fields(content):
        if number == _DIMS:
            shape += [value] if isinstance(value, int) else list(_packed(value))
        elif number == _TYPE:
            kind = value
        elif number == _NAME:
            name = bytes(value).decode()
        elif number == _RAW:
            raw = value
    if kind != _FLOAT:
        return None
    if len(raw) != 4 * math.prod(shape):
        raise ValueError(f"{name} of the shape {shape} has {len(raw)} bytes")
    return name, torch.from_numpy(np.frombuffer(raw, dtype="<f4").reshape(shape).copy())


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(number, value) of the fields of a message: an integer, or the bytes of text, message or fixed number."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(message, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"a field of the kind {wire}")
        if at + size > len(message):
            raise ValueError("a field reaches beyond its end")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")


def _packed(content: memoryview) -> Iterator[int]:
    at = 0
    while at < len(content):
        value, at = _varint(content, at)
        yield value
