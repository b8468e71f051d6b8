import dataclasses

import pytest
import torch
import torch.nn.functional as F

from dheads_model.errors import UserError
from dheads_model.network.layers import channelwise_group_norm, sinusoid_frequencies
from dheads_model.network.settings import PAPER_CREMA
from dheads_model.network.talking_model import TalkingModel, parameter_count
from dheads_model.network.unet import UNet
from tests.factories.networks import SMALL, inputs, settled
from tests.factories.settings import plain_diffusion


@pytest.mark.parametrize(
    ("motion_channels", "attention_sizes", "count", "tensors"),
    [(3, (32,), 215_748_614, 324), (3, (), 203_929_094, 294), (1, (32,), 215_739_398, 324), (1, (), 203_919_878, 294)],
)
def test_parameters_of_the_papers_networks(motion_channels, attention_sizes, count, tensors):
    settings = dataclasses.replace(PAPER_CREMA, motion_channels=motion_channels, attention_sizes=attention_sizes)
    with torch.device("meta"):
        unet = UNet(settings)
    assert parameter_count(unet) == count
    assert len(unet.state_dict()) == tensors


def test_the_first_level_may_be_wider_than_the_base():
    settings = dataclasses.replace(SMALL, channel_multiples=(2, 3))
    given = inputs(settings)
    assert settled(UNet(settings))(**given).shape == given["x"].shape


def test_heads_of_the_papers_network():
    with torch.device("meta"):
        unet = UNet(PAPER_CREMA)
    heads = [stage.attention.heads for stage in unet.stages() if stage.attention is not None]
    assert heads == [12] * 6


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_shape_and_zero_output_before_training(patch):
    settings = dataclasses.replace(SMALL, patch=patch, attention_sizes=())
    output = UNet(settings)(**inputs(settings))
    assert output.shape == (3, 3, 16, 16)
    assert not output.any()


def test_learned_variance_doubles_the_output():
    settings = dataclasses.replace(SMALL, learned_variance=True)
    assert UNet(settings)(**inputs(settings)).shape == (3, 6, 16, 16)


@pytest.mark.parametrize("name", ["x", "time", "identity", "motion", "audio", "motion_noise"])
def test_every_input_counts(name):
    unet, given = settled(UNet(SMALL)), inputs(SMALL)
    with torch.no_grad():
        before = unet(**given)
        after = unet(**given | {name: given[name] + 0.5})
    assert (before - after).abs().max() > 1e-3


def test_samples_do_not_mix():
    unet, given = settled(UNet(SMALL)), inputs(SMALL)
    with torch.no_grad():
        together = unet(**given)
        alone = unet(**{name: value[1:2] for name, value in given.items()})
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=0)


def test_first_convolution_sees_noisy_motion_identity_in_this_order():
    unet, given = settled(UNet(SMALL)), inputs(SMALL)
    joined = torch.cat([given["x"], given["motion"], given["identity"]], dim=1)
    expected = unet.stem(F.pixel_unshuffle(joined, 2))
    seen = []
    unet.encoder[0].register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    with torch.no_grad():
        unet(**given)
    torch.testing.assert_close(seen[0], expected, atol=1e-5, rtol=0)


def test_cached_conditions_equal_fresh_ones():
    unet, given = settled(UNet(SMALL)), inputs(SMALL)
    conditions = {name: value for name, value in given.items() if name not in ("x", "time")}
    with torch.no_grad():
        cached = unet.encode_conditions(**conditions)
        for step in range(3):
            x, time = given["x"] * (step + 1), given["time"] - step
            assert torch.equal(unet.step(x, time, cached), unet(x, time, **conditions))
        part = unet.step(given["x"][1:], given["time"][1:], cached.rows(1, 3))
        torch.testing.assert_close(part, unet(**given)[1:], atol=1e-5, rtol=0)


def test_scale_shifts_are_one_plus_scale_time_first():
    block = settled(UNet(SMALL)).encoder[0].block
    x, time, condition = torch.randn(2, 8, 8, 8), torch.randn(2, 32), torch.randn(2, 32)
    with torch.no_grad():
        h = block.norm_out(block.conv_in(F.silu(block.norm_in(x))))
        for layer, embedding in ((block.time_affine, time), (block.condition_affine, condition)):
            scale, shift = layer(embedding)[:, :, None, None].chunk(2, dim=1)
            h = h * (1 + scale) + shift
        expected = x + block.conv_out(F.silu(h))
        found = block(x, time, block.encode_condition(condition))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_attention_equals_its_definition():
    attention = settled(UNet(SMALL)).middle[0].attention
    x = torch.randn(2, 16, 4, 4)
    with torch.no_grad():
        qkv = attention.qkv(attention.norm(x).flatten(2))
        heads = []
        for head in range(2):  # each head's queries, keys and values lie together
            q, k, v = qkv[:, 24 * head : 24 * head + 24].split(8, dim=1)
            heads.append(v @ (q.transpose(1, 2) @ k / 8**0.5).softmax(dim=-1).transpose(1, 2))
        expected = x + attention.project(torch.cat(heads, dim=1)).reshape(x.shape)
        torch.testing.assert_close(attention(x), expected, atol=1e-5, rtol=0)


def test_time_frequencies():
    standard, published = sinusoid_frequencies(256, "standard"), sinusoid_frequencies(256, "published")
    assert standard[0] == published[0] == 1
    assert standard[-1] == pytest.approx(1e-4, rel=0.1)
    assert published[-1] == pytest.approx(0.1018, abs=1e-4)


def test_motion_noise_is_given_exactly_when_the_network_hears_of_it():
    given = inputs(SMALL)
    with pytest.raises(ValueError, match="motion_noise"):
        UNet(SMALL)(**given | {"motion_noise": None})
    with pytest.raises(ValueError, match="motion_noise"):
        UNet(dataclasses.replace(SMALL, noise_level_input=False))(**given)


def test_dropped_audio_is_not_heard():
    model = settled(TalkingModel(SMALL, plain_diffusion()))
    given = inputs(SMALL, batch=2)
    features = torch.randn(2, 5, 4, 80)
    drop = torch.tensor([False, True])

    def run(features):
        with torch.no_grad():
            encoded = model.encode(given["identity"], given["motion"], features, given["motion_noise"], drop)
            return model(given["x"], given["time"], encoded)

    before, after = run(features), run(features + 1)
    assert (before[0] - after[0]).abs().max() > 1e-4
    assert torch.equal(before[1], after[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": 18}, "multiple of 4"),
        ({"attention_sizes": (5,)}, "attention_sizes holds 5, but the feature maps have sides 8, 4"),
        ({"norm_groups": 3}, "norm_groups 3 must divide 8"),
        ({"head_channels": 5}, "head_channels 5 must divide the 16 channels"),
        ({"motion_channels": 2}, "motion_channels is 2; it must be one of 1, 3"),
        ({"time_frequencies": "linear"}, "time_frequencies is 'linear'; it must be one of standard, published"),
        ({"audio_encoder": "mel"}, "audio_encoder is 'mel'; it must be one of conv, published, none"),
        ({"dropout": 1.0}, "dropout"),
        ({"residual_blocks": 0}, "residual_blocks is 0; the smallest allowed is 1"),
        ({"channel_multiples": ()}, "channel_multiples has 0 values; it needs at least 1"),
        ({"base_channels": 9, "norm_groups": 1, "head_channels": 1}, "base_channels must be even"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(SMALL, **change)


def test_learned_variance_belongs_to_the_discrete_form():
    with pytest.raises(UserError, match=r"learned_variance needs diffusion\.parameterization ddpm"):
        TalkingModel(dataclasses.replace(SMALL, learned_variance=True), plain_diffusion(parameterization="edm"))
    with pytest.raises(UserError, match="parameterization is 'vp'; it must be one of edm, ddpm"):
        plain_diffusion(parameterization="vp")


def test_bfloat16_changes_the_arithmetic_only():
    torch.manual_seed(0)
    model = settled(TalkingModel(SMALL, plain_diffusion()))
    given = inputs(SMALL)
    arguments = given["identity"], given["motion"], torch.randn(3, 5, 4, 80), given["motion_noise"]
    with torch.no_grad():
        exact = model(given["x"], given["time"], model.encode(*arguments))
        model.precision = torch.bfloat16
        rough = model(given["x"], given["time"], model.encode(*arguments))
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)
    assert (rough - exact).abs().max() < 0.1 * exact.std()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("places", [(5, 7), (35,)])
def test_group_norm_by_channels_is_group_norm(places):
    generator = torch.Generator().manual_seed(0)
    x = 3 + torch.randn(2, 12, *places, generator=generator) * torch.linspace(0.1, 9, 12).reshape(
        12, *[1] * len(places)
    )
    weight, bias = torch.randn(2, 12, generator=generator)
    wanted = F.group_norm(x.double(), 4, weight.double(), bias.double(), 1e-5)
    torch.testing.assert_close(channelwise_group_norm(x, 4, weight, bias, 1e-5).double(), wanted, atol=1e-5, rtol=1e-5)
    short = channelwise_group_norm(x.bfloat16(), 4, weight, bias, 1e-5)
    assert short.dtype == torch.bfloat16
    torch.testing.assert_close(short.double(), wanted, atol=0.05, rtol=0.02)
