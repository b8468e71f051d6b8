"""Spoiling the conditions in training, so that generated frames can take the place of true ones.

In training the motion frames are true, in generation they are the model's own. Noise of a level that the model is told,
and missing patches, keep it from trusting them too far (GameNGen, arXiv 2408.14837; Hallo2, arXiv 2410.07718). Sound
that is sometimes missing makes guidance possible (Ho & Salimans 2022).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from dheads_model.diffusion.boxes import box_mask, fixed_boxes
from dheads_model.diffusion.settings import LOWER_FACE, AugmentationSettings


def augment_motion(motion: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """(spoilt motion frames, their noise level `[B]`) of motion frames `[B, M C, H, W]` in [-1, 1].

    Each sample has one level, uniform in 0 .. settings.motion_noise. Blanked patches are 0 (mid-grey) without noise, at
    the same places in all motion frames of a sample. Draws on the generator's device.
    """
    batch, _, height, width = motion.shape
    where = generator.device
    level = settings.motion_noise * torch.rand(batch, generator=generator, device=where)
    noise = torch.randn(motion.shape, generator=generator, device=where)
    cells = (-(-height // settings.patch_size), -(-width // settings.patch_size))
    kept = (torch.rand(batch, 1, *cells, generator=generator, device=where) >= settings.patch_drop).float()
    kept = F.interpolate(kept, scale_factor=settings.patch_size, mode="nearest")[:, :, :height, :width]
    level, noise, kept = level.to(motion), noise.to(motion), kept.to(motion)
    spoilt = add_motion_noise(motion, level, noise) * kept
    if settings.mouth_drop > 0:
        hidden = torch.rand(batch, generator=generator, device=where) < settings.mouth_drop
        spoilt = torch.where(hidden[:, None, None, None].to(motion.device), hide_mouth(spoilt), spoilt)
    return spoilt, level


def hide_mouth(motion: Tensor) -> Tensor:
    """Motion frames `[B, M C, H, W]` with 0 (mid-grey) in the box of aligned frames that holds the mouth and the chin.

    At 25 frames a second the mouth of the frame before nearly tells the next one, and in generation that mouth is the
    model's own: a network that does not see it must listen.
    """
    height, width = motion.shape[-2:]
    box = fixed_boxes(LOWER_FACE, 1, height, width).to(motion.device, non_blocking=True)
    return motion * (1 - box_mask(box, height, width).to(motion))


def add_motion_noise(motion: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """Motion frames `[B, M C, H, W]` with normal noise of standard deviation level `[B]`."""
    return motion + level[:, None, None, None] * noise


def drop_audio(batch: int, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Which samples of a batch shall not encode_speech: bool `[B]` on the generator's device."""
    return torch.rand(batch, generator=generator, device=generator.device) < settings.audio_drop
