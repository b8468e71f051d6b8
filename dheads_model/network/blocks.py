"""Blocks of the UNet (ADM: Dhariwal and Nichol 2021; conditioning: Diffused Heads, equations 14 and 17)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

NORM_EPSILON = 1e-5


def sinusoids(coordinate: Tensor, channels: int, frequencies: str = "standard") -> Tensor:
    """Embedding `[B, channels]` of a coordinate `[B]`: cosines, then sines, of geometric frequencies from 1 down.

    standard: down to 1 / 10000. published: down to about 0.1, as the released weights were trained.
    """
    half = channels // 2
    span = half if frequencies == "standard" else 2 * channels
    rates = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=coordinate.device) / span)
    angles = coordinate.float()[:, None] * rates
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class TimeEmbedding(nn.Module):
    """Two linear layers on the sinusoids of the noise coordinate."""

    def __init__(self, channels: int, embedding: int, frequencies: str):
        super().__init__()
        self.channels, self.frequencies = channels, frequencies
        self.fc = nn.Sequential(nn.Linear(channels, embedding), nn.SiLU(), nn.Linear(embedding, embedding))

    def forward(self, coordinate: Tensor) -> Tensor:
        return self.fc(sinusoids(coordinate, self.channels, self.frequencies))


class ResidualBlock(nn.Module):
    """Residual block that time and audio each scale and shift: h = (h (1 + t_s) + t_b) (1 + a_s) + a_b after the second norm.

    resample: "none", "down" (average of 2 x 2) or "up" (nearest), between the first activation and convolution.
    """

    def __init__(self, channels: int, output: int, embedding: int, groups: int, dropout: float, resample: str = "none"):
        super().__init__()
        self.resample = resample
        self.in_layers = nn.Sequential(
            nn.GroupNorm(groups, channels, NORM_EPSILON), nn.SiLU(), nn.Conv2d(channels, output, 3, padding=1)
        )
        self.t_emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, 2 * output))
        self.audio_emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, 2 * output))
        last = nn.Conv2d(output, output, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.out_layers = nn.Sequential(
            nn.GroupNorm(groups, output, NORM_EPSILON), nn.SiLU(), nn.Dropout(dropout), last
        )
        self.skip_connection = nn.Identity() if channels == output else nn.Conv2d(channels, output, 1)

    def forward(self, x: Tensor, time: Tensor, audio: Tensor) -> Tensor:
        norm, activation, convolution = self.in_layers
        h = _resample(activation(norm(x)), self.resample)
        h = self.out_layers[0](convolution(h))
        for layers, condition in ((self.t_emb_layers, time), (self.audio_emb_layers, audio)):
            scale, shift = layers(condition)[:, :, None, None].chunk(2, dim=1)
            h = h * (1 + scale) + shift
        return self.skip_connection(_resample(x, self.resample)) + self.out_layers[1:](h)


class Attention(nn.Module):
    """Self-attention over all places, heads split before queries, keys and values."""

    def __init__(self, channels: int, head_channels: int, groups: int):
        super().__init__()
        self.heads = channels // head_channels
        self.norm = nn.GroupNorm(groups, channels, NORM_EPSILON)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        flat = x.reshape(batch, channels, height * width)
        heads = self.qkv(self.norm(flat)).reshape(batch, self.heads, -1, height * width).transpose(2, 3)
        query, key, value = heads.chunk(3, dim=3)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return x + self.proj_out(mixed.transpose(2, 3).reshape(flat.shape)).reshape(x.shape)


def _resample(x: Tensor, how: str) -> Tensor:
    if how == "down":
        return functional.avg_pool2d(x, 2)
    if how == "up":
        return functional.interpolate(x, scale_factor=2, mode="nearest")
    return x
