"""The UNet: from a noisy frame, its noise coordinate and the frame's conditions to an output of the same size."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dheads_model.network.layers import GroupNorm, ResidualBlock, SelfAttention, TimeEmbedding
from dheads_model.network.lip_reader import LIP_NUMBERS
from dheads_model.network.settings import NetworkSettings


@dataclass(frozen=True)
class FrameConditions:
    """Encoded conditions of a frame: computed once per frame, used in every denoising step.

    stem: contribution of motion and identity frames to the first convolution, `[B, C, H / patch, W / patch]`, bias
    included. affines: scale and shift of each residual block, each `[B, 2 C, 1, 1]`. identity: the identity frame itself
    `[B, 3, H, W]`, for a denoiser of the residual to it.
    """

    stem: Tensor
    affines: tuple[Tensor, ...]
    identity: Tensor

    def rows(self, start: int, stop: int) -> "FrameConditions":
        """The samples start .. stop - 1 of the batch."""
        affines = tuple(affine[start:stop] for affine in self.affines)
        return FrameConditions(self.stem[start:stop], affines, self.identity[start:stop])


class Stage(nn.Module):
    """A residual block, then optional attention. `takes_skip`: its input is concatenated with an encoder output."""

    def __init__(self, block: ResidualBlock, attention: SelfAttention | None = None, takes_skip: bool = False):
        super().__init__()
        self.block, self.attention, self.takes_skip = block, attention, takes_skip

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """x `[B, C, H, W]`, time `[B, E]`, condition `[B, 2 C, 1, 1]`."""
        x = self.block(x, time, condition)
        return x if self.attention is None else self.attention(x)


class UNet(nn.Module):
    """ADM's UNet with a scale-shift for time and one for audio in every residual block (paper, section 4 and figure 2)."""

    def __init__(self, settings: NetworkSettings):
        super().__init__()
        self.settings = settings
        embedding, folded = settings.embedding_channels, settings.patch**2
        self.noisy_channels = 3 * folded
        given = 3 + settings.motion_frames * settings.motion_channels
        first_channels = settings.level_channels[0]
        self.stem = nn.Conv2d((3 + given) * folded, first_channels, 3, padding=1)
        self.time_embed = TimeEmbedding(settings.base_channels, embedding, settings.time_frequencies)
        self.audio_embed = _mlp(settings.audio_frames * settings.audio_channels, embedding, settings.audio_norm)
        self.motion_noise_embed = _mlp(1, embedding) if settings.noise_level_input else None
        self.lip_embed = self.lip_stem = None
        if settings.lip_reader:
            self.lip_embed = _mlp(LIP_NUMBERS + 1, embedding)
            self.lip_stem = nn.Conv2d(LIP_NUMBERS + 1, first_channels, 3, padding=1, bias=False)
            self.register_buffer("lip_place", _place(settings, settings.lip_box), persistent=False)
        self.encoder, skips = _encoder(settings)
        self.middle = _middle(settings)
        self.decoder = _decoder(settings, skips)
        self.head_norm = GroupNorm(settings.norm_groups, first_channels)
        self.head = nn.Conv2d(first_channels, settings.output_channels * folded, 3, padding=1)
        self.eye_embed = self.eye_stem = None
        # Last, so that the other modules have the same initial weights with and without it.
        if settings.eye_condition:
            self.eye_embed = _mlp(1, embedding)
            self.eye_stem = nn.Conv2d(2, first_channels, 3, padding=1, bias=False)
            self.register_buffer("eye_place", _place(settings, settings.eye_box), persistent=False)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        # Gradient checkpointing: keep only the input of each stage and recompute its activations in the backward pass,
        # about a third more work for a fraction of the memory. Not saved with the weights.
        self.gradient_checkpointing = False

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        identity: Tensor,
        motion: Tensor,
        audio: Tensor,
        motion_noise: Tensor | None = None,
        lips: Tensor | None = None,
        eyes: Tensor | None = None,
    ) -> Tensor:
        """The raw network output `[B, 3 or 6, H, W]`; 6 with learned variance.

        x: noisy frame `[B, 3, H, W]`, scaled to about unit variance by the caller. time: noise coordinate `[B]`.
        identity `[B, 3, H, W]` in [-1, 1]. motion: frames before this one, oldest first, `[B, M C, H, W]` in [-1, 1].
        audio: embeddings of the window's frames in order of time `[B, 2 m + 1, D]`. motion_noise: noise level of the
        motion frames `[B]`; None exactly when the settings have no noise_level_input. lips, eyes: see `encode_conditions`.
        """
        return self.step(x, time, self.encode_conditions(identity, motion, audio, motion_noise, lips, eyes))

    def encode_conditions(
        self,
        identity: Tensor,
        motion: Tensor,
        audio: Tensor,
        motion_noise: Tensor | None = None,
        lips: Tensor | None = None,
        eyes: Tensor | None = None,
    ) -> FrameConditions:
        """Encode the conditions, which are the same in all denoising steps of a frame; arguments as in `forward`.

        lips: the lip shape followed by 1, or zeros for a dropped condition, `[B, LIP_NUMBERS + 1]`; None exactly when
        the settings have no lip_reader. eyes: their closure `[B, 1]`; None exactly when the settings have no eye_condition.
        """
        if (motion_noise is None) != (self.motion_noise_embed is None):
            raise ValueError("motion_noise must be given exactly when the network has a noise_level_input")
        if (lips is None) != (self.lip_embed is None):
            raise ValueError("lips must be given exactly when the network has a lip_reader")
        if (eyes is None) != (self.eye_embed is None):
            raise ValueError("eyes must be given exactly when the network has an eye_condition")
        given = F.pixel_unshuffle(motion, self.settings.patch), F.pixel_unshuffle(identity, self.settings.patch)
        stem = F.conv2d(torch.cat(given, dim=1), self.stem.weight[:, self.noisy_channels :], self.stem.bias, padding=1)
        embedding = self.audio_embed(audio.flatten(1))
        if motion_noise is not None:
            embedding = embedding + self.motion_noise_embed(motion_noise.float()[:, None])
        if lips is not None:
            embedding = embedding + self.lip_embed(lips.float())
            # Also at the mouth's position: a scale-shift is the same everywhere, and the mouth is a small part of the frame.
            stem = stem + self.lip_stem(lips.float()[:, :, None, None] * self.lip_place)
        if eyes is not None:
            embedding = embedding + self.eye_embed(eyes.float())
            at_eyes = torch.cat([eyes.float(), torch.ones_like(eyes).float()], dim=1)
            stem = stem + self.eye_stem(at_eyes[:, :, None, None] * self.eye_place)
        activated = F.silu(embedding)
        affines = tuple(stage.block.encode_condition(activated) for stage in self.stages())
        return FrameConditions(stem, affines, identity)

    def step(self, x: Tensor, time: Tensor, conditions: FrameConditions) -> Tensor:
        """One network evaluation of a noisy frame x `[B, 3, H, W]` at noise coordinates `[B]` with encoded conditions."""
        time = F.silu(self.time_embed(time))
        affines = iter(conditions.affines)
        # The first convolution is linear: the contribution of motion and identity is in conditions.stem.
        folded = F.pixel_unshuffle(x, self.settings.patch)
        h = F.conv2d(folded, self.stem.weight[:, : self.noisy_channels], padding=1) + conditions.stem
        skips = [h]
        for stage in self.encoder:
            h = self._run(stage, h, time, next(affines))
            skips.append(h)
        for stage in self.middle:
            h = self._run(stage, h, time, next(affines))
        for stage in self.decoder:
            h = torch.cat([h, skips.pop()], dim=1) if stage.takes_skip else h
            h = self._run(stage, h, time, next(affines))
        return F.pixel_shuffle(self.head(F.silu(self.head_norm(h))), self.settings.patch)

    def _run(self, stage: Stage, h: Tensor, time: Tensor, affine: Tensor) -> Tensor:
        if self.gradient_checkpointing and torch.is_grad_enabled():
            return checkpoint(stage, h, time, affine, use_reentrant=False)
        return stage(h, time, affine)

    def stages(self) -> list[Stage]:
        """All stages in the order of the forward pass."""
        return [*self.encoder, *self.middle, *self.decoder]


def _encoder(settings: NetworkSettings) -> tuple[nn.ModuleList, list[int]]:
    """Stages down to the smallest level, and the channels of every skip connection."""
    stages, channels = nn.ModuleList(), settings.level_channels[0]
    skips = [channels]
    for level, (size, width) in enumerate(zip(settings.level_sizes, settings.level_channels, strict=True)):
        for _ in range(settings.residual_blocks):
            stages.append(Stage(_block(settings, channels, width), _attention(settings, size, width)))
            channels = width
            skips.append(channels)
        if level < len(settings.level_sizes) - 1:
            stages.append(Stage(_block(settings, channels, channels, "down")))
            skips.append(channels)
    return stages, skips


def _middle(settings: NetworkSettings) -> nn.ModuleList:
    channels = settings.level_channels[-1]
    attention = SelfAttention(channels, settings.head_channels, settings.norm_groups)
    return nn.ModuleList(
        [Stage(_block(settings, channels, channels), attention), Stage(_block(settings, channels, channels))]
    )


def _decoder(settings: NetworkSettings, skips: list[int]) -> nn.ModuleList:
    stages, channels, skips = nn.ModuleList(), settings.level_channels[-1], list(skips)
    for level in reversed(range(len(settings.level_sizes))):
        size, width = settings.level_sizes[level], settings.level_channels[level]
        for _ in range(settings.residual_blocks + 1):
            block = _block(settings, channels + skips.pop(), width)
            stages.append(Stage(block, _attention(settings, size, width), takes_skip=True))
            channels = width
        if level > 0:
            stages.append(Stage(_block(settings, channels, channels, "up")))
    return stages


def _block(settings: NetworkSettings, inputs: int, outputs: int, resample: str | None = None) -> ResidualBlock:
    embedding, groups = settings.embedding_channels, settings.norm_groups
    return ResidualBlock(inputs, outputs, embedding, groups, settings.dropout, resample)


def _attention(settings: NetworkSettings, size: int, channels: int) -> SelfAttention | None:
    if size not in settings.attention_sizes:
        return None
    return SelfAttention(channels, settings.head_channels, settings.norm_groups)


def _place(settings: NetworkSettings, box: tuple[float, float, float, float]) -> Tensor:
    """Fraction of each cell of the first feature map that is inside a box, `[1, 1, H / patch, W / patch]`."""
    size = settings.image_size
    top, bottom, left, right = (round(part * size) for part in box)
    inside = torch.zeros(1, 1, size, size)
    inside[..., top:bottom, left:right] = 1
    return F.avg_pool2d(inside, settings.patch)


def _mlp(inputs: int, outputs: int, norm: bool = False) -> nn.Sequential:
    """norm: hidden units are normalised, so that no learning rate drives all of them into the zero range of SiLU."""
    between = [nn.LayerNorm(outputs)] if norm else []
    return nn.Sequential(nn.Linear(inputs, outputs), *between, nn.SiLU(), nn.Linear(outputs, outputs))
