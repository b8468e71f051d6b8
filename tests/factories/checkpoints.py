"""Weights in the form of the authors' release, small and random."""

import torch
from torch import nn

from dheads_model.network.settings import NetworkSettings
from dheads_model.published.unet_weights import published_names

PUBLISHED = NetworkSettings(
    image_size=16, patch=1, norm_groups=32, base_channels=32, channel_multiples=(1, 2), residual_blocks=2, attention_sizes=(8,),
    head_channels=16, motion_channels=3, audio_channels=32, audio_encoder="none", learned_variance=True,
    time_frequencies="published", noise_level_input=False, audio_norm=False, lip_reader=False, eye_condition=False,
)  # fmt: skip


def published_state(unet) -> dict[str, torch.Tensor]:
    own = unet.state_dict()
    return {published: own[name].clone() for name, published in published_names(unet).items()}


class Names(nn.Module):
    """A tree of modules that holds tensors under given dotted names."""

    def __init__(self, state: dict):
        super().__init__()
        inner: dict[str, dict] = {}
        for name, tensor in state.items():
            first, _, rest = name.partition(".")
            if rest:
                inner.setdefault(first, {})[rest] = tensor
            else:
                self.register_parameter(first, nn.Parameter(tensor))
        for first, tensors in inner.items():
            self.add_module(first, Names(tensors))

    def forward(self, x):
        return x
