"""One batch to one loss, all randomness drawn from (seed, step): a resumed run draws the same as an uninterrupted one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dheads_model.diffusion.augmentation import augment_motion, drop_audio, hide_mouth
from dheads_model.diffusion.boxes import box_weights, fixed_boxes, lip_boxes, mouth_boxes
from dheads_model.diffusion.conditions import Conditions, to_model_range, to_motion_input
from dheads_model.diffusion.denoiser import denoise, full_schedule
from dheads_model.diffusion.losses import ddpm_losses, draw_sigmas, draw_steps, edm_loss
from dheads_model.network.eyes import eye_closure
from dheads_model.network.lip_reader import lip_shape
from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import Batch
from dheads_model.training.colour_jitter import jitter_colours
from dheads_model.training.distillation import solver_levels
from dheads_model.training.face_loss import face_loss
from dheads_model.training.settings import RunSettings

NOISE_BINS = 4
# Names of the terms of a loss, by diffusion.parameterization.
LOSS_TERMS = {"edm": ("the loss",), "ddpm": ("the simple loss", "the bound", "the lip loss")}
# Quartiles of a standard normal distribution.
_QUARTILES = torch.tensor([-0.67449, 0.0, 0.67449])


@dataclass(frozen=True)
class DrawnBatch:
    """A batch of windows with all that is drawn for its loss, on the device that computes it.

    clean, noise: `[B, 3, H, W]`, clean in [-1, 1]. levels `[B]`: steps of the full schedule (ddpm) or sigmas (edm).
    boxes: around the lips, int64 `[B, 4]` as of `boxes_around`. lips: their shape without noise, `[B, LIP_NUMBERS]`, for a
    network with a lip_reader in training; mean_lips: of the mean landmarks of each clip. landmarks `[B, 68, 2]`: of the
    true frames. These three are not of a micro-batch. next_levels `[B]`: the teacher's next noise levels, for distillation
    with objective consistency.
    """

    clean: Tensor
    conditions: Conditions
    noise: Tensor
    levels: Tensor
    boxes: Tensor
    lips: Tensor | None = None
    mean_lips: Tensor | None = None
    landmarks: Tensor | None = None
    next_levels: Tensor | None = None

    def rows(self, part: slice) -> "DrawnBatch":
        """A micro-batch: its samples keep the noise that they have in the whole batch."""
        whole = self.conditions
        values = (
            whole.identity, whole.motion, whole.audio_features, whole.motion_noise, whole.audio_drop, whole.lips,
            whole.eyes,
        )  # fmt: skip
        conditions = Conditions(*(None if value is None else value[part] for value in values))
        after = None if self.next_levels is None else self.next_levels[part]
        return DrawnBatch(
            self.clean[part], conditions, self.noise[part], self.levels[part], self.boxes[part], next_levels=after
        )


# Function of noisy frames `[B, 3, H, W]` and their drawn batch that gives the frames to learn.
Target = Callable[[Tensor, DrawnBatch], Tensor]


@dataclass(frozen=True)
class BatchLoss:
    """Loss to minimise, and loss and noise bin (0 little noise .. 3 much) of each sample `[B]`; means of its terms, in the
    order of LOSS_TERMS."""

    total: Tensor
    by_sample: Tensor
    bins: Tensor
    terms: Tensor


def draw_batch(
    batch: Batch, run: RunSettings, seed: int, step: int, training: bool, device: torch.device
) -> DrawnBatch:
    """Random values of the loss of a batch of windows: a function of data, seed and step on one kind of device.

    training: with flips, conditioning augmentation and dropped audio condition. Without, as for validation, the motion
    frames are true and only the noise is drawn.
    """
    generator = torch.Generator(device).manual_seed(
        int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
    )
    clean, identity, frames = (
        to_model_range(_placed(part, device)) for part in (batch.target, batch.identity, batch.motion)
    )
    landmarks, identity_landmarks = _placed(batch.landmarks, device), _placed(batch.identity_landmarks, device)
    count, size = len(clean), clean.shape[-1]
    if training and run.training.flip:
        mirrored = torch.rand(count, generator=generator, device=device) < 0.5
        clean, identity, frames = (_mirror(part, mirrored) for part in (clean, identity, frames))
        landmarks, identity_landmarks = (
            torch.where(mirrored[:, None, None], _mirror_points(points, size), points)
            for points in (landmarks, identity_landmarks)
        )
    if training and run.training.colour_jitter > 0:
        clean, identity, frames = jitter_colours((clean, identity, frames), run.training.colour_jitter, generator)
    motion = to_motion_input(frames, run.network)
    level = torch.zeros(count, device=device)
    audio_drop = None
    if training:
        motion, level = augment_motion(motion, run.conditioning_augmentation, run.network.lower_face, generator)
        audio_drop = drop_audio(count, run.conditioning_augmentation, generator)
    elif run.conditioning_augmentation.mouth_drop == 1:
        motion = hide_mouth(motion, run.network.lower_face)
    motion_noise = level if run.network.noise_level_input else None
    noise = torch.randn(clean.shape, generator=generator, device=device)
    strata = None if batch.strata is None else _placed(batch.strata, device)
    lips = mean_lips = shown = None
    if training and run.network.lip_reader:
        lips, mean_lips = lip_shape(landmarks), lip_shape(_placed(batch.mean_landmarks, device))
        shown = lips + run.conditioning_augmentation.lip_noise * torch.randn(
            lips.shape, generator=generator, device=device
        )
    eyes = eye_closure(landmarks, identity_landmarks) if run.network.eye_condition else None
    conditions = Conditions(identity, motion, _placed(batch.audio, device), motion_noise, audio_drop, shown, eyes)
    after = None
    if run.diffusion.parameterization == "ddpm":
        levels = draw_steps(count, run.diffusion.timesteps, generator, strata)
    elif training and run.distillation is not None and run.distillation.objective == "consistency":
        solver = solver_levels(run.distillation).to(device, non_blocking=True)
        steps = draw_steps(count, run.distillation.steps, generator, strata)
        levels, after = solver[steps], solver[steps + 1]
    else:
        levels = draw_sigmas(
            count, run.training.log_sigma_mean, run.training.log_sigma_std, generator, strata=strata
        )  # fmt: skip
    if run.training.mouth_box is not None:
        boxes = fixed_boxes(run.training.mouth_box, count, size, size).to(device, non_blocking=True)
    elif run.diffusion.parameterization == "ddpm":
        boxes = lip_boxes(landmarks, identity_landmarks, size, size, run.lip_frame)
    else:
        boxes = mouth_boxes(landmarks, size, size)
    return DrawnBatch(clean, conditions, noise, levels, boxes, lips, mean_lips, landmarks, after)


def batch_loss(model: TalkingModel, drawn: DrawnBatch, run: RunSettings, target: Target | None = None) -> BatchLoss:
    """Loss of a drawn batch, or of some rows of one. target: gives what is learned in place of the true frames (edm)."""
    clean, levels, settings = drawn.clean, drawn.levels, run.training
    if run.diffusion.parameterization == "ddpm":
        schedule = full_schedule(run.diffusion.timesteps, clean.device)
        losses = ddpm_losses(model, schedule, clean, drawn.conditions, levels, drawn.noise, drawn.boxes)
        total = losses.total(settings.vlb_weight, settings.lip_weight)
        terms = torch.stack([term.detach().mean() for term in (losses.simple, losses.bound, losses.lip)])
        return BatchLoss(total, losses.simple.detach(), levels * NOISE_BINS // run.diffusion.timesteps, terms)
    weights = box_weights(drawn.boxes, *clean.shape[-2:], settings.mouth_weight)
    if run.network.eye_condition:
        eyes = fixed_boxes(run.network.eye_box, 1, *clean.shape[-2:]).to(clean.device, non_blocking=True)
        weights = weights * box_weights(eyes, *clean.shape[-2:], settings.eye_weight)
    noisy = clean + levels[:, None, None, None] * drawn.noise
    denoised = denoise(model, noisy, levels, drawn.conditions)
    wanted = clean if target is None else target(noisy, drawn)
    by_sample = edm_loss(denoised, wanted, levels, run.diffusion.sigma_data, weights)
    standard = (levels.log() - settings.log_sigma_mean) / settings.log_sigma_std
    bins = torch.bucketize(standard, _QUARTILES.to(levels.device, non_blocking=True))
    total = by_sample.mean()
    if model.training and model.face_reader is not None:
        faces = face_loss(model.face_reader, denoised, wanted, drawn.conditions.audio_drop)
        total = total + settings.face_weight * faces.mean()
    return BatchLoss(total, by_sample.detach(), bins, total.detach()[None])


def _placed(array: np.ndarray, device: torch.device) -> Tensor:
    """An array on the device; the copy to a GPU is asynchronous."""
    tensor = torch.from_numpy(array)
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)


def _mirror(images: Tensor, mirrored: Tensor) -> Tensor:
    """Images `[B, ..., H, W]` with those of `mirrored` `[B]` flipped left to right."""
    return torch.where(mirrored.reshape(-1, *[1] * (images.dim() - 1)), images.flip(-1), images)


def _mirror_points(points: Tensor, size: int) -> Tensor:
    """Points `[B, K, 2]` of mirrored images; their indices stay, since only boxes around them are used."""
    return torch.stack([size - 1 - points[..., 0], points[..., 1]], dim=-1)
