"""A tiny model of random weights in a file, as a talker opens it."""

import dataclasses
from pathlib import Path

import torch

from dheads_model.network.export import save_export
from dheads_model.network.talking_model import TalkingModel
from tests.factories.networks import SMALL, settled
from tests.factories.settings import plain_diffusion

SAMPLING = {
    "sampler": "euler",
    "steps": 2,
    "sigma_min": 0.2,
    "sigma_max": 3.0,
    "guidance_scale": 5.0,
    "hide_mouth": True,
}
METHODS = {"methods": {"ours": SAMPLING}}


def export(path: Path, facts: dict, **changes) -> Path:
    """A tiny model of random weights; facts: without methods, it records none."""
    network, diffusion = dataclasses.replace(SMALL, **changes), plain_diffusion(sigma_data=0.4)
    torch.manual_seed(0)
    state = settled(TalkingModel(network, diffusion)).state_dict()
    augmentation = {"audio_drop": 0.1, "mouth_drop": 1.0}
    save_export(
        path, state, {"network": network, "diffusion": diffusion, "conditioning_augmentation": augmentation}, facts
    )
    return path
