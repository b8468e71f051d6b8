"""Audio gain: how far the true audio lowers the denoising loss around the mouth of held-out speakers, by noise level.

It is the fraction by which the loss with the true audio lies below that with another clip's audio, for the same windows
and the same noise. It is 0 where the audio condition has no effect. It is measured in seconds, during training; a rollout
shows the same later.
"""

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from dheads_model.diffusion.boxes import box_mask
from dheads_model.diffusion.conditions import encode_conditions
from dheads_model.diffusion.denoiser import denoise_encoded
from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import LoadedClip, sample_batch
from dheads_model.training.audio_use import GAIN_KEY
from dheads_model.training.objective import DrawnBatch, draw_batch
from dheads_model.training.settings import RunSettings

GAIN_SIGMAS = (0.2, 0.5, 1.0, 2.0, 4.0)
_WINDOWS = 24
_SEED = 1_000_033  # never a training seed: those are the config's


def audio_gain(
    model: TalkingModel, clips: Sequence[LoadedClip], run: RunSettings, device: torch.device
) -> dict[str, float]:
    """Entries of the log, one a noise level of GAIN_SIGMAS, of a model in evaluation mode; empty with fewer than two clips.

    The windows, the noise, and which window gets the audio of which other one are the same every time.
    """
    if len({clip.clip for clip in clips}) < 2:
        return {}
    network = run.network
    batch = sample_batch(list(clips), _WINDOWS, _SEED, 0, network.audio_radius, network.motion_frames)
    if len(set(batch.clips)) < 2:
        return {}
    drawn = draw_batch(batch, run, _SEED, 0, False, device)
    others = torch.tensor(_windows_of_other_clips(batch.clips), device=device)
    features = drawn.conditions.audio_features, drawn.conditions.audio_features[others]
    at_once = -(-run.training.batch_size // run.training.gradient_accumulation)
    with torch.inference_mode():
        true, other = (_mouth_losses(model, drawn, audio, at_once) for audio in features)
    return {f"{GAIN_KEY}{sigma:g}": 1 - t / o for sigma, t, o in zip(GAIN_SIGMAS, true, other, strict=True)}


def _windows_of_other_clips(clips: Sequence[str]) -> list[int]:
    """For each window of a batch the next one, around the end, that is of another clip."""
    count = len(clips)
    return [
        next((i + step) % count for step in range(1, count) if clips[(i + step) % count] != clips[i])
        for i in range(count)
    ]


def _mouth_losses(model: TalkingModel, drawn: DrawnBatch, audio: Tensor, at_once: int) -> list[float]:
    """Mean squared error of the denoised frames around the mouth, at each of GAIN_SIGMAS."""
    height, width = drawn.clean.shape[-2:]
    sums = torch.zeros(len(GAIN_SIGMAS), dtype=torch.float64)
    for start in range(0, len(drawn.clean), at_once):
        part = drawn.rows(slice(start, start + at_once))
        conditions = dataclasses.replace(part.conditions, audio_features=audio[start : start + at_once])
        encoded = encode_conditions(model, conditions)
        inside = box_mask(part.boxes, height, width)
        for number, sigma in enumerate(GAIN_SIGMAS):
            levels = torch.full((len(part.clean),), sigma, device=part.clean.device)
            denoised = denoise_encoded(model, part.clean + sigma * part.noise, levels, encoded)
            error = ((denoised - part.clean) ** 2 * inside).sum(dim=(1, 2, 3)) / inside.sum(dim=(1, 2, 3))
            sums[number] += error.double().sum().cpu()
    return (sums / len(drawn.clean)).tolist()
