"""The parts of the UNet: residual block with two scale-shifts, self-attention, time embedding."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GroupNorm(nn.GroupNorm):
    """Group normalisation (Wu & He 2018) over `[B, C, H, W]` or `[B, C, N]`."""

    def forward(self, x: Tensor) -> Tensor:
        """x `[B, C, ...]`; statistics are float32. The result is float32 under autocast, and has the type of x when compiled."""
        if torch.compiler.is_compiling():
            return channelwise_group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
        return super().forward(x)


def channelwise_group_norm(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Group normalisation from each channel's mean and variance, `[B, C, ...]` in the type of x.

    For compiled models with channels last: reading a group needs strided access and few threads, reading channels is
    contiguous and parallel.
    """
    variance, mean = torch.var_mean(x.float().flatten(2), dim=2, correction=0)
    mean, variance = mean.unflatten(1, (groups, -1)), variance.unflatten(1, (groups, -1))
    centre = mean.mean(dim=2, keepdim=True)
    spread = (variance + (mean - centre) ** 2).mean(dim=2, keepdim=True)
    scale = weight * (spread + eps).rsqrt().expand_as(mean).flatten(1)
    shift = bias - centre.expand_as(mean).flatten(1) * scale
    places = [1] * (x.dim() - 2)
    return (x.float() * scale.unflatten(1, (-1, *places)) + shift.unflatten(1, (-1, *places))).to(x.dtype)


class PointwiseConv2d(nn.Conv2d):
    """Convolution of 1 x 1, `[B, I, H, W]` -> `[B, O, H, W]`.

    On a CPU, PyTorch gives one of a few samples to MKL, and a dilated one to oneDNN, which is faster in most sizes with the
    instructions that `dheads_model/processor.py` pins (docs/numbers.md). Of a single tap, a dilation changes nothing else.
    """

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The same linear map at every position."""
        return F.conv2d(x, self.weight, self.bias, dilation=2 if x.device.type == "cpu" else 1)


class ResidualBlock(nn.Module):
    """Residual block of two convolutions with scale-shift conditioning on time and on the conditions.

    h = (norm(h) (1 + scale_t) + shift_t) (1 + scale_c) + shift_c, time first (paper, equations 14 and 17; the 1 + is
    the published code's). `resample` halves ("down", mean of 2 x 2) or doubles ("up", nearest) the feature map after the
    first normalisation, as in ADM (Dhariwal & Nichol 2021). The second convolution is initialised with zeros.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        embedding: int,
        groups: int,
        dropout: float,
        resample: str | None = None,
    ):
        super().__init__()
        self.resample = resample
        self.norm_in = GroupNorm(groups, channels_in)
        self.conv_in = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.time_affine = nn.Linear(embedding, 2 * channels_out)
        self.condition_affine = nn.Linear(embedding, 2 * channels_out)
        self.norm_out = GroupNorm(groups, channels_out)
        self.dropout = nn.Dropout(dropout)
        self.conv_out = _zeroed(nn.Conv2d(channels_out, channels_out, 3, padding=1))
        self.skip = PointwiseConv2d(channels_in, channels_out) if channels_in != channels_out else nn.Identity()

    def encode_condition(self, embedding: Tensor) -> Tensor:
        """Scale and shift of a condition embedding after its activation, `[B, E]` -> `[B, 2 C, 1, 1]`."""
        return self.condition_affine(embedding)[..., None, None]

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """x `[B, C, H, W]`, time `[B, E]` after its activation, condition of `encode_condition`."""
        h = F.silu(self.norm_in(x))
        if self.resample == "down":
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        elif self.resample == "up":
            h, x = _doubled(h), _doubled(x)
        h = self.conv_in(h)
        scale_t, shift_t = self.time_affine(time)[..., None, None].chunk(2, dim=1)
        scale_c, shift_c = condition.chunk(2, dim=1)
        # Both scale-shifts are linear in the features: composed per channel first, they need one pass over the feature map.
        scale = (1 + scale_t) * (1 + scale_c)
        shift = shift_t * (1 + scale_c) + shift_c
        h = F.silu(torch.addcmul(shift, self.norm_out(h), scale))
        return self.skip(x) + self.conv_out(self.dropout(h))


class SelfAttention(nn.Module):
    """Residual self-attention over all positions of a feature map; its output projection is initialised with zeros."""

    def __init__(self, channels: int, head_channels: int, groups: int):
        super().__init__()
        self.heads = channels // head_channels
        self.norm = GroupNorm(groups, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.project = _zeroed(nn.Conv1d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x `[B, C, H, W]`; queries, keys and values are adjacent within each head."""
        batch, channels, height, width = x.shape
        qkv = self.qkv(self.norm(x).flatten(2))
        qkv = qkv.reshape(batch, self.heads, 3, channels // self.heads, height * width).transpose(-1, -2)
        h = F.scaled_dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2])
        h = h.transpose(-1, -2).reshape(batch, channels, height * width)
        return x + self.project(h).reshape(x.shape)


class TimeEmbedding(nn.Module):
    """Sinusoids of the noise coordinate, then an MLP, `[B]` -> `[B, E]`."""

    def __init__(self, channels: int, embedding: int, frequencies: str):
        super().__init__()
        self.first = nn.Linear(channels, embedding)
        self.second = nn.Linear(embedding, embedding)
        self.register_buffer("frequencies", sinusoid_frequencies(channels, frequencies), persistent=False)

    def forward(self, time: Tensor) -> Tensor:
        """time `[B]`, any float coordinate."""
        angles = time.float()[:, None] * self.frequencies
        sinusoids = torch.cat([angles.cos(), angles.sin()], dim=1)
        return self.second(F.silu(self.first(sinusoids)))


def sinusoid_frequencies(channels: int, kind: str) -> Tensor:
    """Frequencies `[channels / 2]` in radians per unit of time, a geometric sequence from 1 downwards.

    "standard": 10000 ** (-i / (channels / 2)), down to about 1e-4 (Ho et al. 2020). "published": the authors' code
    divides by 2 channels instead, down to about 0.1, so that no component varies slowly over 1000 steps.
    """
    divisor = {"standard": channels / 2, "published": 2 * channels}[kind]
    return torch.exp(-math.log(10000) / divisor * torch.arange(channels // 2, dtype=torch.float32))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def _zeroed(layer: nn.Module) -> nn.Module:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
