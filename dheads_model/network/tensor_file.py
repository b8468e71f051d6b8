"""Named tensors in one file: safetensors with JSON metadata. Nothing is unpickled."""

import dataclasses
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.files import atomic_path
from dheads_model.network.tensor_header import read_about


def save_tensors(path: Path | str, state: Mapping[str, Tensor], about: Mapping) -> None:
    """Write tensors with the metadata `about` (with the key `format`), atomically; equal arguments give equal bytes.

    Raises UserError when a tensor is not all finite, ValueError for values in `about` that JSON does not have.
    """
    wrong = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if wrong:
        raise UserError(
            f"{wrong[0]} holds values that are not finite: the training broke; lower training.learning_rate."
        )
    # One key only: safetensors writes several in an order that differs between runs.
    metadata = {"dheads": json.dumps(plain(about), sort_keys=True, allow_nan=False)}
    tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, metadata=metadata)
        except SafetensorError as problem:
            number = re.search(r"\(os error (\d+)\)", str(problem))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from problem


def load_tensors(path: Path | str, wanted: str, what: str = "model") -> tuple[dict[str, Tensor], dict]:
    """(tensors on the CPU, about) of a file written by `save_tensors` in the format `wanted`.

    Raises UserError for a missing or damaged file, for one of another format, called `what` in the message, and for
    values that are not finite.
    """
    about = read_about(path, wanted, what)
    try:
        with safe_open(path, framework="pt") as stream:
            state = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError, ValueError, RuntimeError) as problem:
        reason = str(problem).splitlines()[0]
        raise UserError(
            f"{path} cannot be read as a {what} ({reason}); give a .safetensors that this project wrote, whole."
        ) from problem
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"{path} holds values that are not finite, in {name}: its training broke; train it again.")
    return state, about


def fill(make: Callable[[], nn.Module], state: Mapping[str, Tensor], where: str) -> nn.Module:
    """A module with all its tensors from a file.

    It is built on the meta device first, so that sizes stated in a file allocate no memory before they match the
    tensors. Raises UserError naming `where` when they do not.
    """
    try:
        with torch.device("meta"):
            wanted = {name: tuple(tensor.shape) for name, tensor in make().state_dict().items()}
    except (RuntimeError, OverflowError, TypeError, ValueError, MemoryError) as problem:
        raise UserError(f"{where}: no network has the sizes in it ({str(problem).splitlines()[0]}).") from problem
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if wanted != found:
        name = min(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise UserError(
            f"{where} do not fit the config they come with: {name} has the shape {found.get(name)} where "
            f"{wanted.get(name)} is needed."
        )
    module = make()
    module.load_state_dict(dict(state), strict=True)
    return module


def plain(value):
    """The value with dataclasses as dictionaries and tuples as lists, as in JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value
