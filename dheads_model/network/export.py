"""A finished model in one file: its weights with its settings and facts."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import is_zipfile

from torch import Tensor

from dheads_model.config import build
from dheads_model.errors import UserError
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.tensor_file import fill, load_tensors, plain, save_tensors

FORMAT = "dheads model 1"


def save_export(path: Path | str, state: Mapping[str, Tensor], config: Mapping, facts: Mapping) -> None:
    """Write a model's weights with what is needed to use and to trace them, whole or not at all.

    state: `TalkingModel.state_dict()`, usually of averaged weights. config: the run's config; its blocks `network` and
    `diffusion` are what the model is built from. facts: data fingerprint, images seen, losses and the like. Equal
    arguments give equal bytes. Raises UserError when the weights do not fit the config or are not all finite,
    ValueError for values that JSON does not have.
    """
    fill(_build_model(config, "the config of this export"), state, "these weights")
    save_tensors(path, state, {"format": FORMAT, "config": config, "facts": facts})


def load_export(path: Path | str) -> tuple[TalkingModel, dict, dict]:
    """(model in evaluation mode on the CPU, config, facts) of a file written by `save_export`.

    Raises UserError for a missing or damaged file, for one that this project did not write, and for weights that do
    not fit their config.
    """
    if is_zipfile(path):
        raise UserError(
            f"{path} is a checkpoint as PyTorch writes them; if it is of Diffused Heads, make a model of it by "
            f"`python -m dheads_model.network.import_model --unet {path} --output model.safetensors`."
        )
    state, about = load_tensors(path, FORMAT)
    model = _build_model(about["config"], str(path))
    fill(model, state, str(path))
    return model.eval().requires_grad_(False), about["config"], about["facts"]


def _build_model(config: Mapping, where: str) -> TalkingModel:
    for block in ("network", "diffusion"):
        if block not in config:
            raise UserError(f"{where} has no block {block}, so no model can be built from it.")
    network = build(NetworkSettings, plain(config["network"]), "network")
    return TalkingModel(network, build(DiffusionSettings, plain(config["diffusion"]), "diffusion"))
