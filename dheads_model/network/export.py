"""A finished model in one file: safetensors with its settings and facts as JSON inside. Nothing is unpickled."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dheads_model.config import build
from dheads_model.errors import UserError
from dheads_model.files import atomic_path
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from dheads_model.network.talking_model import TalkingModel

FORMAT = "dheads model 1"


def save_export(path: Path | str, state: Mapping[str, Tensor], config: Mapping, facts: Mapping) -> None:
    """Write a model's weights with what is needed to use and to trace them, whole or not at all.

    state: `TalkingModel.state_dict()`, usually of averaged weights. config: the run's config; its blocks `network` and
    `diffusion` are what the model is built from. facts: data fingerprint, images seen, losses and the like. Equal
    arguments give equal bytes. Raises UserError when the weights do not fit the config or are not all finite,
    ValueError for values that JSON does not have.
    """
    model = _build_model(config, "the config of this export")
    _fill(model, state, "these weights")
    wrong = [name for name, tensor in state.items() if not torch.isfinite(tensor).all()]
    if wrong:
        raise UserError(
            f"{wrong[0]} holds values that are not finite: the training broke; lower training.learning_rate."
        )
    # One key only: safetensors writes several in an order that changes from run to run.
    about = {"format": FORMAT, "config": _plain(config), "facts": _plain(facts)}
    metadata = {"dheads": json.dumps(about, sort_keys=True, allow_nan=False)}
    tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)


def load_export(path: Path | str) -> tuple[TalkingModel, dict, dict]:
    """(model in evaluation mode on the CPU, config, facts) of a file written by `save_export`.

    Raises UserError for a missing or damaged file, for one that this project did not write, and for weights that do
    not fit their config.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            state = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError) as problem:
        raise UserError(f"{path} cannot be read as a model: {problem}") from problem
    try:
        about = json.loads(metadata.get("dheads", "{}"))
    except json.JSONDecodeError as problem:
        raise UserError(f"{path} holds damaged settings: {problem}") from problem
    if about.get("format") != FORMAT:
        raise UserError(f"{path} is no model of this project: its format is {about.get('format')!r}, not {FORMAT!r}.")
    model = _build_model(about["config"], str(path))
    _fill(model, state, str(path))
    return model.eval().requires_grad_(False), about["config"], about["facts"]


def _build_model(config: Mapping, where: str) -> TalkingModel:
    for block in ("network", "diffusion"):
        if block not in config:
            raise UserError(f"{where} has no block {block}, so no model can be built from it.")
    network = build(NetworkSettings, _plain(config["network"]), "network")
    return TalkingModel(network, build(DiffusionSettings, _plain(config["diffusion"]), "diffusion"))


def _fill(model: TalkingModel, state: Mapping[str, Tensor], where: str) -> None:
    try:
        model.load_state_dict(dict(state), strict=True)
    except RuntimeError as problem:
        raise UserError(f"{where} do not fit the config they come with: {problem}") from problem


def _plain(value):
    """The same with dataclasses as dictionaries and tuples as lists, as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
