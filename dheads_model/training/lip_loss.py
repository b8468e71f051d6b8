"""The loss of the lip reader. It and the denoising loss have separate weights and gradients."""

import numpy as np
import torch
from torch import Tensor

from dheads_model.network.lip_reader import LipReader, lip_error, lip_shape
from dheads_model.shards.loader import LoadedClip, audio_window

# Augmentation of the audio features: maximum change of the natural log of power, and maximum number of masked bands. Without
# it the reader overfits the voices and microphones of a few speakers.
_LARGEST_GAIN = 2.0
_MASKED_BANDS = 12
_DRAWS = 0x11B5  # separates this generator from that of the same step's noise


def lip_loss(reader: LipReader, features: Tensor, lips: Tensor, mean_lips: Tensor, seed: int, step: int) -> Tensor:
    """Mean error of the predicted lips of a batch, a scalar, with augmented audio features and dropout drawn from (seed, step).

    features `[B, W, 4, bands]`; lips, mean_lips `[B, LIP_NUMBERS]` measured, of `lip_shape`: of the frame, and of the mean
    landmarks of its clip.
    """
    device = features.device
    number = np.random.SeedSequence([seed, step, _DRAWS]).generate_state(1, np.uint64)[0] >> 1
    generator = torch.Generator(device).manual_seed(int(number))
    count, bands = len(features), features.shape[-1]
    louder, first, width = torch.rand((3, count, 1, 1, 1), generator=generator, device=device)
    features = features + _LARGEST_GAIN * (2 * louder - 1)
    band = torch.arange(bands, device=device)
    start = (first * (bands - _MASKED_BANDS)).floor()
    masked = (band >= start) & (band < start + (width * _MASKED_BANDS).floor())
    features = torch.where(masked, features.mean(dim=(1, 2, 3), keepdim=True), features)
    return lip_error(reader, features, lips, mean_lips, generator).mean()


def draw_lip_windows(
    clips: list[LoadedClip], count: int, radius: int, seed: int, step: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """(features `[count, W, 4, bands]`, lips and mean_lips `[count, LIP_NUMBERS]`) of frames drawn uniformly by (seed, step).

    A forward pass of the reader costs a hundredth of one of the UNet, so a step may use many more windows.
    """
    generator = np.random.default_rng([seed, step, _DRAWS])
    ends = np.cumsum([len(clip.frames) for clip in clips])
    drawn = generator.integers(0, ends[-1], count)
    owners = np.searchsorted(ends, drawn, side="right")
    frames = drawn - np.concatenate([[0], ends])[owners]
    features = [
        clips[owner].features[audio_window(frame, len(clips[owner].frames), radius)]
        for owner, frame in zip(owners, frames, strict=True)
    ]
    landmarks = [clips[owner].landmarks[frame] for owner, frame in zip(owners, frames, strict=True)]
    means = [clips[owner].mean_landmarks for owner in owners]
    features, landmarks, means = (torch.from_numpy(np.stack(part)).to(device) for part in (features, landmarks, means))
    return features, lip_shape(landmarks), lip_shape(means)


@torch.inference_mode()
def lip_correlation(reader: LipReader, clips: list[LoadedClip], radius: int, device: torch.device) -> float | None:
    """Mean over clips of the correlation of predicted and measured mouth opening; None where no mouth moves."""
    found = []
    for clip in clips:
        around = np.stack([audio_window(frame, len(clip.frames), radius) for frame in range(len(clip.frames))])
        predicted = reader(torch.from_numpy(clip.features[around]).to(device))[:, 0]
        measured = lip_shape(torch.from_numpy(clip.landmarks).to(device))[:, 0]
        if min(predicted.std(), measured.std()) > 1e-3:
            found.append(torch.corrcoef(torch.stack([predicted, measured]))[0, 1].item())
    return sum(found) / len(found) if found else None
