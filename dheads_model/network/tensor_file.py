"""Named tensors in one file: safetensors with what they are as JSON inside. Nothing is unpickled."""

import dataclasses
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dheads_model.errors import UserError
from dheads_model.files import atomic_path


def save_tensors(path: Path | str, state: Mapping[str, Tensor], about: Mapping) -> None:
    """Write tensors with `about` (with the key `format`), whole or not at all; equal arguments give equal bytes.

    Raises UserError when a tensor is not all finite, ValueError for values in `about` that JSON does not have.
    """
    wrong = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if wrong:
        raise UserError(
            f"{wrong[0]} holds values that are not finite: the training broke; lower training.learning_rate."
        )
    # One key only: safetensors writes several in an order that changes from run to run.
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

    Raises UserError for a missing or damaged file and for one of another format, called `what` in the message.
    """
    if not Path(path).is_file():
        raise UserError(f"there is no {what} {path}; give the path of the .safetensors that a finished run wrote.")
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            state = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as problem:
        raise UserError(
            f"{path} cannot be read as a {what} ({problem}); give a .safetensors that this project wrote, whole."
        ) from problem
    try:
        about = json.loads(metadata.get("dheads", "{}"))
    except json.JSONDecodeError as problem:
        raise UserError(f"{path} holds damaged settings ({problem}); give a whole copy of the file.") from problem
    if about.get("format") != wanted:
        raise UserError(f"{path} is no {what} of this project: its format is {about.get('format')!r}, not {wanted!r}.")
    return state, about


def fill(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Load all tensors of a module; raises UserError naming `where` when they do not fit it."""
    try:
        module.load_state_dict(dict(state), strict=True)
    except RuntimeError as problem:
        raise UserError(f"{where} do not fit the config they come with: {problem}") from problem


def plain(value):
    """The same with dataclasses as dictionaries and tuples as lists, as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value
