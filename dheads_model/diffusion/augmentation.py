"""Conditioning augmentation in training, so that sampling can use generated motion frames in place of true ones.

In training the motion frames are true, in sampling they are generated. Noise of a level that is an input of the network,
and missing patches, reduce the dependence on them (GameNGen, arXiv 2408.14837; Hallo2, arXiv 2410.07718). A dropped audio
condition makes classifier-free guidance possible (Ho & Salimans 2022).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from dheads_model.diffusion.boxes import box_mask, fixed_boxes
from dheads_model.diffusion.settings import AugmentationSettings

Box = tuple[float, float, float, float]


def augment_motion(
    motion: Tensor, settings: AugmentationSettings, lower_face: Box, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(augmented motion frames, their noise level `[B]`) of motion frames `[B, M C, H, W]` in [-1, 1].

    Each sample has one level, uniform in 0 .. settings.motion_noise. Dropped patches are 0 (mid-grey) without noise, at
    the same positions in all motion frames of a sample. Draws on the generator's device.
    """
    batch, _, height, width = motion.shape
    where = generator.device
    level = settings.motion_noise * torch.rand(batch, generator=generator, device=where)
    noise = torch.randn(motion.shape, generator=generator, device=where)
    cells = (-(-height // settings.patch_size), -(-width // settings.patch_size))
    kept = (torch.rand(batch, 1, *cells, generator=generator, device=where) >= settings.patch_drop).float()
    kept = F.interpolate(kept, scale_factor=settings.patch_size, mode="nearest")[:, :, :height, :width]
    level, noise, kept = level.to(motion), noise.to(motion), kept.to(motion)
    augmented = add_motion_noise(motion, level, noise) * kept
    if settings.mouth_drop > 0:
        hidden = torch.rand(batch, generator=generator, device=where) < settings.mouth_drop
        augmented = torch.where(
            hidden[:, None, None, None].to(motion.device), hide_mouth(augmented, lower_face), augmented
        )
    return augmented, level


def hide_mouth(motion: Tensor, lower_face: Box) -> Tensor:
    """Motion frames `[B, M C, H, W]` with 0 (mid-grey) in the mouth and chin box of aligned frames, network.lower_face.

    At 25 frames/s the mouth of the previous frame almost determines the next one, and in sampling that mouth is
    generated. Without it the network has to use the audio.
    """
    height, width = motion.shape[-2:]
    box = fixed_boxes(lower_face, 1, height, width).to(motion.device, non_blocking=True)
    return motion * (1 - box_mask(box, height, width).to(motion))


def add_motion_noise(motion: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """Motion frames `[B, M C, H, W]` with normal noise of standard deviation level `[B]`."""
    return motion + level[:, None, None, None] * noise


def drop_audio(batch: int, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Samples of a batch whose audio condition is dropped: bool `[B]` on the generator's device."""
    return torch.rand(batch, generator=generator, device=generator.device) < settings.audio_drop
