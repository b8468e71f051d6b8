"""The UNet of Diffused Heads (arXiv 2301.03396, section 4; sizes in section 5.1), all sizes configuration.

Its parameters carry the names that the released checkpoints use, so that a published state loads strictly.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from dheads_model.network.blocks import NORM_EPSILON, Attention, ResidualBlock, TimeEmbedding
from dheads_model.network.settings import NetworkSettings


class Stage(nn.Sequential):
    """Blocks of one step of the UNet, each called with what it needs."""

    def forward(self, h: Tensor, time: Tensor, audio: Tensor) -> Tensor:
        for block in self:
            h = block(h, time, audio) if isinstance(block, ResidualBlock) else block(h)
        return h


class UNet(nn.Module):
    """Network output from a noisy frame and its conditions.

    forward: x `[B, 3, S, S]` noisy frame, time `[B]` noise coordinate, identity `[B, 3, S, S]`, motion
    `[B, M C, S, S]` oldest first, audio `[B, 2 m + 1, D]`, motion_noise `[B]` or None -> `[B, 3 or 6, S, S]`.
    """

    def __init__(self, settings: NetworkSettings):
        super().__init__()
        self.settings = settings
        base, embedding = settings.base_channels, 4 * settings.base_channels
        self.time_embed = TimeEmbedding(base, embedding, settings.time_frequencies)
        self.audio_embed = nn.Sequential(
            nn.Linear(settings.audio_frames * settings.audio_channels, embedding),
            nn.SiLU(),
            nn.Linear(embedding, embedding),
        )
        if settings.motion_noise_input:
            self.motion_noise_embed = TimeEmbedding(base, embedding, "standard")
        inputs = (3 + 3 + settings.motion_frames * settings.motion_channels) * settings.patch**2

        def residual(channels: int, output: int, resample: str = "none") -> ResidualBlock:
            return ResidualBlock(channels, output, embedding, settings.norm_groups, settings.dropout, resample)

        def attention(channels: int) -> Attention:
            return Attention(channels, settings.head_channels, settings.norm_groups)

        size = settings.image_size // settings.patch
        self.input_blocks = nn.ModuleList([Stage(nn.Conv2d(inputs, base, 3, padding=1))])
        widths = [base]
        channels = base
        for level, multiple in enumerate(settings.channel_multiples):
            for _ in range(settings.residual_blocks):
                blocks = [residual(channels, base * multiple)]
                channels = base * multiple
                if size in settings.attention_sizes:
                    blocks.append(attention(channels))
                self.input_blocks.append(Stage(*blocks))
                widths.append(channels)
            if level < len(settings.channel_multiples) - 1:
                self.input_blocks.append(Stage(residual(channels, channels, "down")))
                widths.append(channels)
                size //= 2
        self.middle_block = Stage(residual(channels, channels), attention(channels), residual(channels, channels))
        self.output_blocks = nn.ModuleList()
        for level, multiple in reversed(list(enumerate(settings.channel_multiples))):
            for number in range(settings.residual_blocks + 1):
                blocks = [residual(channels + widths.pop(), base * multiple)]
                channels = base * multiple
                if size in settings.attention_sizes:
                    blocks.append(attention(channels))
                if level and number == settings.residual_blocks:
                    blocks.append(residual(channels, channels, "up"))
                    size *= 2
                self.output_blocks.append(Stage(*blocks))
        last = nn.Conv2d(channels, settings.output_channels * settings.patch**2, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.out = nn.Sequential(nn.GroupNorm(settings.norm_groups, channels, NORM_EPSILON), nn.SiLU(), last)

    def embed_audio(self, audio: Tensor) -> Tensor:
        """Audio condition `[B, E]` of windows `[B, 2 m + 1, D]`: the same for all denoising steps of a frame."""
        return self.audio_embed(audio.flatten(1))

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        identity: Tensor,
        motion: Tensor,
        audio: Tensor,
        motion_noise: Tensor | None = None,
    ) -> Tensor:
        return self.denoise(x, time, identity, motion, self.embed_audio(audio), motion_noise)

    def denoise(
        self,
        x: Tensor,
        time: Tensor,
        identity: Tensor,
        motion: Tensor,
        audio_condition: Tensor,
        motion_noise: Tensor | None = None,
    ) -> Tensor:
        """`forward` with the audio condition `[B, E]` already embedded."""
        condition = self.time_embed(time)
        if self.settings.motion_noise_input:
            if motion_noise is None:
                raise ValueError("this network is told the noise level of its motion frames: give motion_noise [B]")
            # 1000: levels of 0..1 in the range that the sinusoids resolve.
            condition = condition + self.motion_noise_embed(1000 * motion_noise)
        h = torch.cat([x, motion, identity], dim=1)
        if self.settings.patch > 1:
            h = functional.pixel_unshuffle(h, self.settings.patch)
        kept = []
        for stage in self.input_blocks:
            h = stage(h, condition, audio_condition)
            kept.append(h)
        h = self.middle_block(h, condition, audio_condition)
        for stage in self.output_blocks:
            h = stage(torch.cat([h, kept.pop()], dim=1), condition, audio_condition)
        h = self.out(h)
        return functional.pixel_shuffle(h, self.settings.patch) if self.settings.patch > 1 else h
