"""A network, clips of several lengths and settings, for sampling."""

import torch

from dheads_model.diffusion.rollout import clip_seed
from dheads_model.network.placement import place_for_sampling
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from tests.factories.networks import settled
from tests.factories.settings import plain_diffusion, plain_sampling

# Large enough for the CPU's convolutions to choose other algorithms for other batch sizes.
NETWORK = NetworkSettings(
    image_size=32, patch=2, base_channels=32, channel_multiples=(1, 2), residual_blocks=1, attention_sizes=(8,),
    head_channels=32, norm_groups=8, audio_channels=32,
)  # fmt: skip

LENGTHS = (5, 2, 4, 3, 1, 4)

SETTINGS = plain_sampling(steps=2, sigma_max=5.0, guidance_scale=1.5, motion_noise=0.1, clips_at_once=3)


def sampling_model():
    """NETWORK with random weights on the CPU, ready to sample."""
    torch.manual_seed(0)
    loaded = settled(TalkingModel(NETWORK, plain_diffusion())).requires_grad_(False)  # as `load_export` gives it
    return place_for_sampling(loaded, torch.device("cpu"))


def sampling_clips():
    """(identity frames, sound of each clip, seeds) of clips of different length."""
    generator = torch.Generator().manual_seed(1)
    identity = torch.rand(len(LENGTHS), 3, 32, 32, generator=generator) * 2 - 1
    sound = [-13 + 4 * torch.randn(length, 4, 80, generator=generator) for length in LENGTHS]
    return identity, sound, [clip_seed(7, f"clip{number}") for number in range(len(LENGTHS))]
