"""Export: a finished model in one file, with its weights, settings and facts (metadata)."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from dheads_model.config import build
from dheads_model.errors import UserError
from dheads_model.network.export_formats import MODEL_FORMAT, completed
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.tensor_file import fill, load_tensors, plain, save_tensors


def save_export(path: Path | str, state: Mapping[str, Tensor], config: Mapping, facts: Mapping) -> None:
    """Write a model's weights with its config and facts, atomically.

    state: `TalkingModel.state_dict()`, usually of averaged weights. config: the run's config; the model is built from its
    blocks `network` and `diffusion`. facts: data fingerprint, images seen, losses and the like. Equal
    arguments give equal bytes. Raises UserError when the weights do not fit the config or are not all finite,
    ValueError for values that JSON does not have.
    """
    _model(config, state, "the config of this export", "these weights")
    save_tensors(path, state, {"format": MODEL_FORMAT, "config": config, "facts": facts})


def load_export(path: Path | str) -> tuple[TalkingModel, dict, dict]:
    """(model in evaluation mode on the CPU, config, facts) of a file written by `save_export`.

    Raises UserError for a missing or damaged file, for one that this project did not write, and for weights that do
    not fit their config or are not all finite.
    """
    state, about = load_tensors(path, MODEL_FORMAT)
    model = _model(about["config"], state, str(path), f"the weights in {path}")
    return model.eval().requires_grad_(False), about["config"], about["facts"]


def _model(config: Mapping, state: Mapping[str, Tensor], where: str, weights: str) -> TalkingModel:
    blocks = {block: plain(config.get(block)) for block in ("network", "diffusion")}
    for block, values in blocks.items():
        if not isinstance(values, dict):
            raise UserError(f"{where} has no block {block}, so no model can be built from it.")
    network = build(NetworkSettings, completed("network", blocks["network"]), "network", every_key=True)
    diffusion = build(DiffusionSettings, completed("diffusion", blocks["diffusion"]), "diffusion", every_key=True)
    if network.residual_blocks * len(network.channel_multiples) > len(state):
        raise UserError(f"{weights} do not fit the config they come with: they are of fewer residual blocks.")
    return fill(lambda: TalkingModel(network, diffusion), state, weights)
