"""Arithmetic of a network: what one forward pass for one image takes, counted without computing it."""

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.unet import FrameConditions


def encode_zeros(model: TalkingModel, network: NetworkSettings, batch: int = 1) -> FrameConditions:
    """Conditions of zeros, encoded by the model, on the device that is the default."""
    size = network.image_size
    encoded = network.audio_encoder == "conv"
    audio = (FEATURE_COLUMNS_PER_FRAME, network.feature_bands) if encoded else (network.audio_channels,)
    return model.encode(
        torch.zeros(batch, 3, size, size),
        torch.zeros(batch, network.motion_frames * network.motion_channels, size, size),
        torch.zeros(batch, network.audio_frames, *audio),
        torch.zeros(batch) if network.noise_level_input else None,
    )


def pass_zeros(model: TalkingModel, network: NetworkSettings) -> Tensor:
    """One forward pass for one image of zeros, its conditions encoded first, on the device that is the default."""
    conditions = encode_zeros(model, network)
    return model(torch.zeros(1, 3, network.image_size, network.image_size), torch.zeros(1), conditions)


def count_flop(model: TalkingModel, network: NetworkSettings) -> int:
    """FLOP of `pass_zeros`, two for a multiplication with its addition, counting convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        pass_zeros(model, network)
    return counter.get_total_flops()
