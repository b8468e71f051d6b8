"""The conditions of a frame, and conversion of images between uint8 and the model's range."""

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from dheads_model.network.settings import NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.network.unet import FrameConditions

GREY_WEIGHTS = (0.2989, 0.587, 0.114)  # torchvision's grey, as in the published code; the sum is 0.9999
# Closure of the eyes in the unconditional evaluation, as a part of the wanted one.
_UNGUIDED_CLOSURE = 0.5


@dataclass(frozen=True)
class Conditions:
    """Conditions of a batch of frames.

    identity: `[B, 3, H, W]` in [-1, 1]. motion: the motion frames, oldest first, `[B, M C, H, W]` in [-1, 1], with
    their noise if any. audio_features: `[B, 2 m + 1, 4, bands]`, or embeddings `[B, 2 m + 1, D]` where these are made
    before. motion_noise: level of the motion frames' noise `[B]`, None for a network without that input. audio_drop:
    bool `[B]`, True where the audio condition is dropped; None for nowhere. lips: measured lip shape of the frame, from
    `lip_shape`, `[B, LIP_NUMBERS]`, on which a network with a lip_reader is conditioned in training; None to predict it.
    eyes: closure of the eyes `[B, 1]`, from `eye_closure` in training and `eye_closures` in sampling, for a network with an
    eye_condition; None for open eyes.
    """

    identity: Tensor
    motion: Tensor
    audio_features: Tensor
    motion_noise: Tensor | None = None
    audio_drop: Tensor | None = None
    lips: Tensor | None = None
    eyes: Tensor | None = None


def encode_conditions(model: TalkingModel, conditions: Conditions) -> FrameConditions:
    """Encode the conditions of a frame, once for all denoising steps."""
    return model.encode(
        conditions.identity,
        conditions.motion,
        conditions.audio_features,
        conditions.motion_noise,
        conditions.audio_drop,
        conditions.lips,
        conditions.eyes,
    )


def with_dropped_conditions(conditions: Conditions) -> Conditions:
    """The conditions of a batch twice: all samples as given, then all with the audio condition dropped and eyes half as
    closed.

    So guidance acts on blinks too, with a scale halfway between its own and 1: with 1 few eyes close, and with its own lids
    become too bright. The eyes need no condition that is dropped in training, since frames have them open and closed.
    """
    batch = len(conditions.identity)
    drop = torch.arange(2 * batch, device=conditions.identity.device) >= batch
    twice = {
        field.name: value.repeat(2, *[1] * (value.dim() - 1))
        for field in dataclasses.fields(conditions)
        if (value := getattr(conditions, field.name)) is not None
    }
    if "eyes" in twice:
        twice["eyes"] = torch.where(drop[:, None], _UNGUIDED_CLOSURE * twice["eyes"], twice["eyes"])
    return Conditions(**twice | {"audio_drop": drop})


def to_model_range(frames: Tensor) -> Tensor:
    """uint8 `[..., H, W, 3]` -> float32 `[..., 3, H, W]` in [-1, 1]: pixel / 255 * 2 - 1."""
    return frames.movedim(-1, -3).float() / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """float `[..., 3, H, W]` in [-1, 1] -> uint8 `[..., H, W, 3]`, rounded, clamped outside of the range."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).movedim(-3, -1)


def grey(images: Tensor) -> Tensor:
    """`[..., 3, H, W]` -> `[..., 1, H, W]`: 0.2989 red + 0.587 green + 0.114 blue."""
    red, green, blue = images.unbind(-3)
    return (GREY_WEIGHTS[0] * red + GREY_WEIGHTS[1] * green + GREY_WEIGHTS[2] * blue).unsqueeze(-3)


def to_motion_input(frames: Tensor, settings: NetworkSettings) -> Tensor:
    """Frames before the target `[B, M, 3, H, W]` in [-1, 1], oldest first -> `[B, M C, H, W]`, grey where C is 1."""
    frames = grey(frames) if settings.motion_channels == 1 else frames
    return frames.flatten(1, 2)
