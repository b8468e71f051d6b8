"""A config for mouth and audio encoders, clips whose mouth follows the audio, and their training."""

import numpy as np

from dheads_model.faces.mouth import MARGIN
from dheads_model.shards.pairs import MouthClip
from dheads_model.training import sync_loop
from dheads_model.training.contrastive import (
    sync_settings,
)
from dheads_model.training.sync_loop import train_sync_encoder
from tests.factories.signals import stopped_at_call

CONFIG = {
    "min_clips": 1, "max_clips": 100, "gpus": 0, "speakers": "all", "held_out_sentences": 0,
    "network": {
        "audio_radius": 2, "audio_channels": 8, "feature_bands": 8, "mouth_channels": 8, "embedding_channels": 16,
    },
    "training": {
        "images": 4800, "clips_per_batch": 4, "windows_per_clip": 8, "closest_negative": 3, "learning_rate": 0.01,
        "warmup_images": 320, "weight_decay": 0.01, "log_every_images": 1600, "validation_every_images": 4800,
        "state_every_images": 10_000_000, "seed": 3,
    },
}  # fmt: skip


def changed(**training):
    """CONFIG with other values in its block `training`."""
    return {**CONFIG, "training": {**CONFIG["training"], **training}}


def speaking_clip(number, count=45, speaker=None, transcript=""):
    """A dark slit on a noisy face, as high as the sound's first bands are loud: both follow one random curve."""
    generator = np.random.default_rng(number)
    curve = np.convolve(generator.normal(size=count + 2), [0.3, 0.4, 0.3], "valid")
    curve = (curve - curve.min()) / np.ptp(curve)
    height, width = 32 + 2 * MARGIN, 48 + 2 * MARGIN
    rows, columns = np.mgrid[:height, :width]
    slit = np.abs(rows - height / 2) < 1 + 11 * curve[:, None, None]
    mouth = np.where(slit & (np.abs(columns - width / 2) < 14), 30, 150 + 20 * number % 60)
    mouth = np.clip(mouth + generator.normal(0, 8, mouth.shape), 0, 255).astype(np.uint8)
    features = generator.normal(-14, 1, (count, 4, 8))
    features[:, :, :4] += 10 * (curve[:, None, None] - 0.5)
    return MouthClip(f"c{number}", speaker or f"s{number}", transcript, mouth, features.astype(np.float32))


def run(config, clips, folder, held_out=(), stop_after=None, monkeypatch=None):
    """Train; stop_after: send the process a signal once so many steps were taken."""
    arguments = sync_settings(config), config, clips, held_out, set(), "data", folder
    if stop_after is None:
        return train_sync_encoder(*arguments)
    with stopped_at_call(monkeypatch, sync_loop, "sample_pairs", stop_after):
        train_sync_encoder(*arguments)
    return None
