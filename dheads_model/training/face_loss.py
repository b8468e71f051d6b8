"""The face loss, and the loss of the reader behind it. They have separate weights and gradients."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dheads_model.network.face_reader import FaceReader, face_shape

# Lips count in full; the width of the mouth and the eyes by half, since landmarks measure them less well.
_WEIGHTS = torch.tensor([1.0, 0.5, 0.5])
# Augmentation of the reader's frames: largest change of contrast and brightness, largest shift in pixels, largest noise.
# Without it the reader depends on brightness and place, and denoised frames are more blurred than true ones.
_CONTRAST = _BRIGHTNESS = 0.15
_SHIFT = 2
_NOISE = 0.15
_DRAWS = 0xFACE  # separates this generator from that of the same step's noise


def face_loss(reader: FaceReader, denoised: Tensor, clean: Tensor, audio_drop: Tensor | None) -> Tensor:
    """Squared difference of the faces that the reader reads in denoised and true frames `[B, 3, S, S]`, per sample `[B]`.

    The reader's weights get no gradient. 0 where the audio condition is dropped: nothing there determines the lips.
    """
    with torch.no_grad():
        wanted = reader(clean)
    weights = _WEIGHTS.to(clean.device, non_blocking=True)
    error = ((reader(denoised, frozen=True) - wanted) ** 2 * weights).mean(dim=1)
    return error if audio_drop is None else error * ~audio_drop


def reader_loss(reader: FaceReader, frames: Tensor, landmarks: Tensor, seed: int, step: int) -> Tensor:
    """Mean squared error of the reader on true frames `[B, 3, S, S]`, augmented by (seed, step), a scalar.

    landmarks: of these frames, `[B, 68, 2]`.
    """
    number = np.random.SeedSequence([seed, step, _DRAWS]).generate_state(1, np.uint64)[0] >> 1
    generator = torch.Generator(frames.device).manual_seed(int(number))
    return ((reader(_augmented(frames, generator)) - face_shape(landmarks)) ** 2).mean()


def _augmented(frames: Tensor, generator: torch.Generator) -> Tensor:
    count, where = len(frames), generator.device
    contrast, brightness, blur, noise = torch.rand((4, count, 1, 1, 1), generator=generator, device=where)
    x = frames * (1 + _CONTRAST * (2 * contrast - 1)) + _BRIGHTNESS * (2 * brightness - 1)
    down, right = torch.randint(-_SHIFT, _SHIFT + 1, (2,), generator=generator, device=where)
    # As torch.roll, whose shifts are Python numbers: a GPU would have to be waited for.
    side = torch.arange(x.shape[-1], device=where)
    x = x[:, :, (side - down) % len(side)][..., (side - right) % len(side)]
    blurred = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    x = torch.where(blur < 0.5, torch.lerp(x, blurred, 2 * blur), x)
    return x + _NOISE * noise * torch.randn(x.shape, generator=generator, device=where)
