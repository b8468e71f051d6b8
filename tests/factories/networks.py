"""Tiny networks with random weights, and random arguments for them."""

import dataclasses

import torch

from dheads_model.diffusion.conditions import (
    Conditions,
)
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from tests.factories.settings import plain_diffusion

SMALL = NetworkSettings(
    image_size=16, patch=2, base_channels=8, channel_multiples=(1, 2), residual_blocks=1, attention_sizes=(4,),
    head_channels=8, norm_groups=4, audio_channels=6, feature_bands=80,
    audio_norm=False, lip_reader=False, eye_condition=False,
)  # fmt: skip


def settled(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """The module in evaluation mode with its zero-initialised layers made random, so that everything shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if not parameter.any():
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    return module.eval()


def inputs(settings: NetworkSettings, batch: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random arguments of `UNet.forward`."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(batch, *shape, generator=generator)

    size = settings.image_size
    return {
        "x": normal(3, size, size),
        "time": normal(),
        "identity": normal(3, size, size),
        "motion": normal(settings.motion_frames * settings.motion_channels, size, size),
        "audio": normal(settings.audio_frames, settings.audio_channels),
        "motion_noise": torch.rand(batch, generator=generator) if settings.noise_level_input else None,
    }


DISCRETE = dataclasses.replace(SMALL, learned_variance=True)


def make_model(form: str = "edm", centre: str = "zero") -> TalkingModel:
    """SMALL with random weights."""
    torch.manual_seed(0)
    network = DISCRETE if form == "ddpm" else SMALL
    return settled(TalkingModel(network, plain_diffusion(parameterization=form, residual_to=centre)))


def make_conditions(batch: int = 3) -> Conditions:
    """Random conditions for SMALL."""
    given = inputs(SMALL, batch)
    return Conditions(given["identity"], given["motion"], torch.randn(batch, 5, 4, 80), given["motion_noise"])
