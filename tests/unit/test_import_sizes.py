"""Published networks of other sizes than the released ones: what their tensors tell, and what must be said."""

import dataclasses

import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.unet import UNet
from dheads_model.published.import_model import import_unet
from dheads_model.published.unet_weights import load_published, published_names, published_settings
from tests.factories.checkpoints import PUBLISHED


def network(**changes) -> NetworkSettings:
    return dataclasses.replace(PUBLISHED, **changes)


def state_of(settings: NetworkSettings) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    unet = UNet(settings)
    own = unet.state_dict()
    return {published: torch.randn_like(own[name]) for name, published in published_names(unet).items()}


@pytest.mark.parametrize("blocks", [1, 2, 3])
@pytest.mark.parametrize("multiples", [(1,), (1, 2), (1, 1, 3)])
@pytest.mark.parametrize("attention", [(), (16,)])
def test_any_number_of_residual_blocks_and_levels(blocks, multiples, attention):
    settings = network(residual_blocks=blocks, channel_multiples=multiples, attention_sizes=attention)
    state = state_of(settings)
    assert published_settings(state, 16, 16) == settings
    load_published(UNet(settings), state)


@pytest.mark.parametrize(("frames", "channels"), [(2, 1), (2, 3), (1, 1), (4, 1), (5, 1)])
def test_numbers_of_motion_frames_that_can_be_read_in_one_way(frames, channels):
    settings = network(motion_frames=frames, motion_channels=channels)
    assert published_settings(state_of(settings), 16, 16) == settings


@pytest.mark.parametrize(("frames", "channels"), [(1, 3), (3, 1), (3, 3), (6, 1), (12, 1), (4, 3)])
def test_other_numbers_of_motion_frames_are_asked_for(frames, channels):
    settings = network(motion_frames=frames, motion_channels=channels)
    state = state_of(settings)
    if frames * channels != 6:  # six channels are taken for two colour frames, as released
        with pytest.raises(UserError, match=r"which \d+ grey or \d+ colour frames would have; .*--motion-frames"):
            published_settings(state, 16, 16)
    assert published_settings(state, 16, 16, frames) == settings
    with pytest.raises(UserError, match="which 7 motion frames do not have"):
        published_settings(state, 16, 16, 7)


def test_a_checkpoint_states_its_motion_frames(tmp_path):
    settings = network(motion_frames=3)
    given = {"state_dict": state_of(settings), "hyper_parameters": {"n_motion_frames": 3}}
    torch.save(given, tmp_path / "model.ckpt")
    assert import_unet(tmp_path / "model.ckpt", 16, 16)[0].network_settings.motion_frames == 3
    with pytest.raises(UserError, match="take 9 channels of motion frames, which 1 motion frames do not have"):
        import_unet(tmp_path / "model.ckpt", 16, 16, 1)
    torch.save(given | {"hyper_parameters": {"n_motion_frames": "two"}}, tmp_path / "model.ckpt")
    with pytest.raises(UserError, match="says n_motion_frames 'two', which is no number"):
        import_unet(tmp_path / "model.ckpt", 16, 16)


def test_an_encoder_with_a_block_too_many_is_refused():
    state = state_of(PUBLISHED)
    extra = {f"input_blocks.6.0.{name.split('.', 3)[3]}": value for name, value in state.items()
             if name.startswith("input_blocks.5.0.")}  # fmt: skip
    with pytest.raises(UserError, match="7 blocks of the encoder are no whole number of levels of 3"):
        published_settings(state | extra, 16, 16)
