"""The UNet against the published one with the same weights."""

import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.network.unet import UNet
from dheads_model.published.unet_weights import load_published, published_names
from tests.gpu import needs_gpu

TOLERANCE = 1e-4  # the published network's own float32 and float64 results differ by 1e-5


def inputs(stored: dict) -> list[torch.Tensor]:
    return [torch.from_numpy(stored[key]) for key in ("x", "timesteps", "x_cond", "motion_frames", "audio_emb")]


@pytest.mark.parametrize("rgb", [False, True], ids=["grey", "rgb"])
def test_output(rgb, numbers, published_model, device):
    stored = numbers("unet_tiny_rgb_io" if rgb else "unet_tiny_io")
    unet, given = published_model(rgb).unet.to(device), [part.to(device) for part in inputs(stored)]
    with torch.no_grad():
        output = unet(*given).cpu()
    assert (output - torch.from_numpy(stored["output"])).abs().max() < TOLERANCE


@needs_gpu
@pytest.mark.parametrize("rgb", [False, True], ids=["grey", "rgb"])
def test_output_in_bfloat16(rgb, numbers, published_model):
    stored = numbers("unet_tiny_rgb_io" if rgb else "unet_tiny_io")
    unet, given = published_model(rgb).unet.cuda(), [part.cuda() for part in inputs(stored)]
    with torch.no_grad(), torch.autocast("cuda", dtype=torch.bfloat16):
        output = unet(*given).float().cpu()
    wanted = torch.from_numpy(stored["output"])
    # A number has 8 bits: 1 in 256 for each of many layers. 0.030 on an H200.
    assert ((output - wanted).norm() / wanted.norm()).item() < 0.05


@pytest.mark.parametrize("rgb", [False, True], ids=["grey", "rgb"])
def test_embeddings_and_every_block(rgb, numbers, published_model):
    stored = numbers("unet_tiny_rgb_io" if rgb else "unet_tiny_io")
    unet = published_model(rgb).unet
    seen = {}

    def keep(name):
        return lambda module, given, output: seen.__setitem__(name, output)

    unet.time_embed.register_forward_hook(keep("time"))
    unet.audio_embed.register_forward_hook(keep("audio"))
    # An upsampling stage is the last layer of the published block before it: the later result of a block counts.
    names = [f"input_blocks.{number + 1}" for number in range(len(unet.encoder))] + ["", "middle_block"]
    block = -1
    for stage in unet.decoder:
        block += stage.takes_skip
        names.append(f"output_blocks.{block}")
    for name, stage in zip(names, unet.stages(), strict=True):
        stage.register_forward_hook(keep(name))
    with torch.no_grad():
        unet(*inputs(stored))
    assert (seen["time"] - torch.from_numpy(stored["time_embed"])).abs().max() < TOLERANCE
    assert (seen["audio"] - torch.from_numpy(stored["audio_embed"])).abs().max() < TOLERANCE
    checked = 0
    for name, (mean, std, largest) in zip(stored["block_names"].tolist(), stored["block_stats"], strict=True):
        if name in seen:
            block = seen[name]
            found = [float(block.mean()), float(block.std(correction=0)), float(block.abs().max())]
            assert found == pytest.approx([mean, std, largest], abs=TOLERANCE), name
            checked += 1
    assert checked == 18  # all but the first convolution, half of which is cached with the conditions


def test_standard_frequencies_are_another_network(numbers, published_model):
    stored, unet = numbers("unet_tiny_io"), published_model(False).unet
    unet.time_embed.frequencies = 10000.0 ** (-torch.arange(16) / 16)
    with torch.no_grad():
        output = unet(*inputs(stored))
    assert (output - torch.from_numpy(stored["output"])).abs().max() > 0.05


def test_import_takes_each_tensor_once(published_state, published_model):
    unet, state = published_model(False).unet, published_state(False)
    names = published_names(unet)
    assert sorted(names.values()) == sorted(state)
    assert sorted(names) == sorted(unet.state_dict())
    for name, published in names.items():
        assert torch.equal(unet.state_dict()[name], state[published])


@pytest.mark.parametrize("prefix", ["unet.", "diffusion.nn_backbone."])
def test_import_strips_the_prefixes_of_checkpoints(prefix, published_state, published_model):
    reference = published_model(False).unet
    other = UNet(reference.settings)
    load_published(other, {prefix + name: tensor for name, tensor in published_state(False).items()})
    for name, tensor in other.state_dict().items():
        assert torch.equal(tensor, reference.state_dict()[name])


def test_import_refuses_what_does_not_fit(published_state, published_model):
    unet, state = published_model(False).unet, published_state(False)
    missing = {name: tensor for name, tensor in state.items() if name != "out.2.bias"}
    with pytest.raises(UserError, match=r"1 tensors are missing \(first: \['out.2.bias'\]\)"):
        load_published(unet, missing)
    with pytest.raises(UserError, match="1 are left over"):
        load_published(unet, state | {"extra": torch.zeros(1)})
    with pytest.raises(UserError, match="has shape"):
        load_published(unet, state | {"out.2.bias": torch.zeros(3)})
