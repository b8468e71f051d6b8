"""A run config that trains in seconds, clips for it, and trainings: plain, or stopped by a signal."""

import numpy as np
import torch

from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import LoadedClip, sample_batch
from dheads_model.training import loop
from dheads_model.training.cost import SPEED_KEYS
from dheads_model.training.log import read_log
from dheads_model.training.loop import train
from dheads_model.training.objective import batch_loss, draw_batch
from dheads_model.training.parameters import muon_weights
from dheads_model.training.settings import ema_rate, learning_rate, run_settings
from tests.factories.signals import stopped_at_call

CONFIG = {
    "dataset": "toy", "min_clips": 1, "gpus": 0,
    "network": {
        "image_size": 16, "patch": 2, "base_channels": 8, "channel_multiples": [1, 2], "residual_blocks": 1,
        "attention_sizes": [], "head_channels": 8, "norm_groups": 4, "audio_channels": 8, "dropout": 0.1,
        "audio_norm": False, "lip_reader": False, "eye_condition": False,
    },
    "diffusion": {"parameterization": "edm", "sigma_data": 0.5, "residual_to": "identity", "timesteps": 1000},
    "conditioning_augmentation": {
        "motion_noise": 0.3, "patch_drop": 0.1, "patch_size": 4, "mouth_drop": 0.0, "audio_drop": 0.1,
    },
    "training": {
        "images": 80, "batch_size": 8, "learning_rate": 0.01, "warmup_images": 16, "decay": "cosine",
        "gradient_clip": 1.0, "ema_decay": 0.9, "mouth_weight": 3.0, "flip": True, "log_sigma_mean": -1.0,
        "log_sigma_std": 1.2, "log_every_images": 16, "validation_every_images": 32, "state_every_images": 24, "seed": 3,
        "gradient_accumulation": 1, "samples_every_images": 0,
    },
}  # fmt: skip

DDPM = {
    **CONFIG,
    "diffusion": {**CONFIG["diffusion"], "parameterization": "ddpm", "residual_to": "zero"},
    "network": {**CONFIG["network"], "learned_variance": True},
}


def changed(**training):
    """CONFIG with other values in its block `training`."""
    settings = {**CONFIG["training"], **training}
    if "log_every_images" in training and "validation_every_images" not in training:
        settings["validation_every_images"] = 2 * settings["log_every_images"]
    return {**CONFIG, "training": settings}


def noise_clips():
    """Three clips of 6 to 8 frames of 16 pixels: random frames, features and landmarks."""
    generator = np.random.default_rng(0)
    made = []
    for number in range(3):
        count = 6 + number
        frames = generator.integers(0, 255, (count, 16, 16, 3), dtype=np.uint8)
        features = generator.normal(-8, 3, (count, 4, 80)).astype(np.float32)
        marks = generator.uniform(4, 12, (count, 68, 2)).astype(np.float32)
        made.append(LoadedClip(f"c{number}", f"s{number}", frames, features, marks))
    return made


def loud_clips(count, length, landmarks, noise=0.0):
    """Clips whose frames are as bright as their audio is loud.

    landmarks: function of (loudness `[length]` in 0 to 1, random generator) to `[length, 68, 2]`. noise: spread that is
    added to the features.
    """
    generator = np.random.default_rng(0)
    made = []
    for number in range(count):
        loud = generator.uniform(0, 1, length).astype(np.float32)
        features = np.broadcast_to(-18 + 10 * loud[:, None, None], (length, 4, 80))
        if noise:
            features = features + generator.normal(0, noise, features.shape)
        frames = np.broadcast_to((40 + 170 * loud)[:, None, None, None], (length, 16, 16, 3)).astype(np.uint8)
        marks = landmarks(loud, generator)
        made.append(LoadedClip(f"c{number}", f"s{number}", frames, features.astype(np.float32), marks))
    return made


def plain_training(run, clips):
    """(model after the training, its averaged weights) by a plain loop, without gradient accumulation or ranks."""
    torch.manual_seed(run.training.seed)
    model = TalkingModel(run.network, run.diffusion).train()
    average = {name: value.clone() for name, value in model.state_dict().items()}
    convolutions = muon_weights(model, run.training)
    others = [weight for weight in model.parameters() if all(weight is not one for one in convolutions)]
    # Neither fused nor over lists: it reads each gradient as a matrix, in whatever order that lies in memory.
    optimizer = torch.optim.AdamW(others, betas=run.training.adam_betas, weight_decay=0.0, foreach=False)
    momenta = [torch.zeros_like(weight) for weight in convolutions]
    for step in range(run.training.steps):
        seed = run.training.seed
        drawn = draw_batch(sample_batch(clips, 8, seed, step), run, seed, step, True, torch.device("cpu"))
        model.zero_grad()
        batch_loss(model, drawn, run).total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), run.training.gradient_clip)
        optimizer.param_groups[0]["lr"] = learning_rate(run.training, step * 8)
        optimizer.step()
        for weight, momentum in zip(convolutions, momenta, strict=True):
            _muon_step(
                weight,
                momentum,
                optimizer.param_groups[0]["lr"] * run.training.muon_learning_rate / run.training.learning_rate,
            )
        rate = ema_rate(run.training, step)
        for name, value in model.state_dict().items():
            average[name] += (1 - rate) * (value - average[name])
    return model, average


@torch.no_grad()
def _muon_step(weight, momentum, rate):
    """A step of Muon as its authors write it, one matrix at a time; a step has a root mean square of about 0.2 times the rate."""
    momentum.mul_(0.95).add_(0.05 * weight.grad)
    x = (0.05 * weight.grad + 0.95 * momentum).reshape(len(weight), -1)
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    weight -= rate * 0.2 * max(x.shape) ** 0.5 * x.reshape(weight.shape)


def run(config, clips, folder, stop_after=None, monkeypatch=None):
    """Train; stop_after: send the process a signal once so many steps were taken."""
    arguments = run_settings(config), config, clips, clips[:1], "data", folder
    if stop_after is None:
        return train(*arguments)
    with stopped_at_call(monkeypatch, loop, "batch_loss", stop_after):
        train(*arguments)
    return None


def without_time(folder):
    """Lines of a training log without what depends on the speed of the machine."""
    return [{k: v for k, v in entry.items() if k not in SPEED_KEYS} for entry in read_log(folder / "training.jsonl")]
