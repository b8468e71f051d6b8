"""Strips of frames of held-out speakers, generated with the averaged weights during a training."""

import dataclasses
import math
from pathlib import Path

import cv2
import numpy as np
import torch

from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import clip_seed, rollout
from dheads_model.diffusion.settings import UNGUIDED, SamplingSettings
from dheads_model.files import write_bytes
from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import LoadedClip
from dheads_model.training.settings import RunSettings

CLIPS, FRAMES, EVERY = 2, 24, 2
# Small frames are shown larger, each pixel as a square.
_LEAST_SIDE = 96
_SEED = 0
_SIGMA_MAX = 3.0


def draw_preview(model: TalkingModel, clips: list[LoadedClip], run: RunSettings, path: Path | str) -> None:
    """Write a PNG of the first CLIPS clips: every EVERY-th of FRAMES true frames, below them the generated ones.

    The same weights give the same PNG on one kind of machine. model: in evaluation mode on its device.
    """
    chosen = clips[:CLIPS]
    device = next(model.parameters()).device
    identity = to_model_range(torch.stack([torch.from_numpy(clip.frames[0]) for clip in chosen])).to(device)
    features = [torch.from_numpy(clip.features[:FRAMES]).to(device) for clip in chosen]
    seeds = [clip_seed(_SEED, clip.clip) for clip in chosen]
    videos = rollout(model, identity, features, preview_sampling(run), seeds)
    rows = []
    for clip, video in zip(chosen, videos, strict=True):
        rows += [_row(clip.frames[:FRAMES]), _row(video)]
    width = max(row.shape[1] for row in rows)
    sheet = np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows])
    write_bytes(path, cv2.imencode(".png", sheet[:, :, ::-1])[1].tobytes())


def preview_sampling(run: RunSettings) -> SamplingSettings:
    """A fast sampler for the run's parameterization: 8 steps, the mouth hidden if training always hides it.

    Two steps after distillation for consistency. With edm it ends at the median of the trained noise levels: a small
    network leaves grain below.
    """
    plain = dataclasses.replace(UNGUIDED, hide_mouth=run.conditioning_augmentation.mouth_drop == 1, clips_at_once=CLIPS)
    distillation = run.distillation
    if distillation is not None and distillation.objective == "consistency":
        levels = {"sigma_min": distillation.sigma_min, "sigma_max": distillation.sigma_max, "rho": distillation.rho}
        return dataclasses.replace(plain, sampler="consistency", steps=2, **levels)
    if run.diffusion.parameterization == "ddpm":
        return dataclasses.replace(plain, sampler="ddim")
    lowest = min(math.exp(run.training.log_sigma_mean), _SIGMA_MAX / 2)
    return dataclasses.replace(plain, sampler="euler", sigma_min=lowest, sigma_max=_SIGMA_MAX)


def _row(frames: np.ndarray) -> np.ndarray:
    factor = -(-_LEAST_SIDE // frames.shape[1])
    return np.concatenate(list(frames[::EVERY].repeat(factor, axis=1).repeat(factor, axis=2)), axis=1)
