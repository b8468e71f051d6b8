"""One batch to one loss, all randomness drawn from (seed, step): a resumed run draws what an uninterrupted one would."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dheads_model.diffusion.conditions import Conditions, motion_pictures, pictures
from dheads_model.diffusion.corruption import corrupt_motion, drop_audio, hide_mouth
from dheads_model.diffusion.denoiser import full_schedule
from dheads_model.diffusion.losses import (
    box_weights,
    ddpm_losses,
    draw_sigmas,
    draw_steps,
    edm_loss,
    fixed_boxes,
    lip_boxes,
    mouth_boxes,
)
from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import Batch
from dheads_model.training.settings import RunSettings

NOISE_BINS = 4
# Quartiles of a standard normal distribution.
_QUARTILES = torch.tensor([-0.67449, 0.0, 0.67449])


@dataclass(frozen=True)
class BatchLoss:
    """Loss to minimise, and loss and noise bin (0 little noise .. 3 much) of each sample `[B]`."""

    total: Tensor
    by_sample: Tensor
    bins: Tensor


def batch_loss(
    model: TalkingModel,
    batch: Batch,
    run: RunSettings,
    seed: int,
    step: int,
    training: bool,
    device: torch.device,
    share: slice = slice(None),
) -> BatchLoss:
    """Loss of one batch of windows, or of the samples in `share`, which meet the same noise as in the whole batch.

    training: with flips, corrupted motion frames and dropped sound. Without, as for validation, the motion frames are
    true and only the noise is drawn.
    """
    generator = torch.Generator().manual_seed(
        int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
    )
    clean, identity = (pictures(torch.from_numpy(part)) for part in (batch.target, batch.identity))
    frames = pictures(torch.from_numpy(batch.motion))
    landmarks, identity_landmarks = torch.from_numpy(batch.landmarks), torch.from_numpy(batch.identity_landmarks)
    count, size = len(clean), clean.shape[-1]
    if training and run.training.flip:
        mirrored = torch.rand(count, generator=generator) < 0.5
        clean, identity, frames = (_mirror(part, mirrored) for part in (clean, identity, frames))
        landmarks, identity_landmarks = (
            torch.where(mirrored[:, None, None], _mirror_points(points, size), points)
            for points in (landmarks, identity_landmarks)
        )
    motion = motion_pictures(frames, run.network)
    level = torch.zeros(count)
    audio_drop = None
    if training:
        motion, level = corrupt_motion(motion, run.corruption, generator)
        audio_drop = drop_audio(count, run.corruption, generator)
    elif run.corruption.mouth_drop == 1:
        motion = hide_mouth(motion)
    conditions = Conditions(
        identity[share].to(device),
        motion[share].to(device),
        torch.from_numpy(batch.audio[share]).to(device),
        level[share].to(device) if run.network.noise_level_input else None,
        None if audio_drop is None else audio_drop[share].to(device),
    )
    noise = torch.randn(clean.shape, generator=generator)[share]
    clean, landmarks, identity_landmarks = clean[share], landmarks[share], identity_landmarks[share]
    fixed = run.training.mouth_box
    boxes = None if fixed is None else fixed_boxes(fixed, len(clean), size, size)
    if run.diffusion.form == "ddpm":
        steps = draw_steps(count, run.diffusion.timesteps, generator)[share]
        if boxes is None:
            boxes = lip_boxes(landmarks, identity_landmarks, size, size, run.lip_frame)
        schedule = full_schedule(run.diffusion.timesteps)
        losses = ddpm_losses(
            model, schedule, clean.to(device), conditions, steps.to(device), noise.to(device), boxes.to(device)
        )
        total = losses.total(run.training.bound_weight, run.training.lip_weight)
        return BatchLoss(total, losses.simple.detach(), steps * NOISE_BINS // run.diffusion.timesteps)
    sigma = draw_sigmas(count, run.training.log_sigma_mean, run.training.log_sigma_std, generator)[share]
    if boxes is None:
        boxes = mouth_boxes(landmarks, size, size)
    weights = box_weights(boxes, size, size, run.training.mouth_weight)
    by_sample = edm_loss(model, clean.to(device), conditions, sigma.to(device), noise.to(device), weights.to(device))
    bins = torch.bucketize((sigma.log() - run.training.log_sigma_mean) / run.training.log_sigma_std, _QUARTILES)
    return BatchLoss(by_sample.mean(), by_sample.detach(), bins)


def _mirror(images: Tensor, mirrored: Tensor) -> Tensor:
    """Images `[B, ..., H, W]` with those of `mirrored` `[B]` flipped left to right."""
    return torch.where(mirrored.reshape(-1, *[1] * (images.dim() - 1)), images.flip(-1), images)


def _mirror_points(points: Tensor, size: int) -> Tensor:
    """Points `[B, K, 2]` of mirrored pictures; their numbers stay, since only boxes around them are used."""
    return torch.stack([size - 1 - points[..., 0], points[..., 1]], dim=-1)
