"""Finished models: safetensors with the config and facts as JSON in its header. Nothing is unpickled."""

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from dheads_model.config import build
from dheads_model.errors import UserError
from dheads_model.files import write_bytes
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.talking_model import TalkingModel

FORMAT = "dheads-export-1"


def save_export(path: Path | str, model: TalkingModel, config: dict, facts: dict) -> None:
    """Write a model with its run config and facts (images seen, data fingerprint, ...), whole or not at all."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    header = {
        "format": FORMAT,
        "network": json.dumps(asdict(model.settings), sort_keys=True),
        "config": json.dumps(config, sort_keys=True),
        "facts": json.dumps(facts, sort_keys=True),
    }
    write_bytes(path, save(tensors, header))


def load_export(path: Path | str) -> tuple[TalkingModel, dict, dict]:
    """(model in evaluation mode on the CPU, run config, facts); raises UserError when the file is not an export."""
    try:
        with safe_open(path, framework="pt") as stored:
            header = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a dictionary)
    except (OSError, SafetensorError) as problem:
        raise UserError(f"{path} is not a readable safetensors file ({problem}).") from problem
    if header.get("format") != FORMAT:
        raise UserError(f"{path} is not an export of this project; give a model.safetensors from results/runs.")
    model = TalkingModel(build(NetworkSettings, json.loads(header["network"]), "network"))
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as problem:
        raise UserError(f"{path} does not hold the tensors that its own settings ask for: {problem}") from problem
    model.requires_grad_(False)
    return model.eval(), json.loads(header["config"]), json.loads(header["facts"])


def pick_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
