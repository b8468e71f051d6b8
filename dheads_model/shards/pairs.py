"""Pairs of mouth and audio for the sync encoder: clips as mouth crops and audio features, and training batches of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.faces.mouth import MARGIN, crop_mouths, cut_mouths
from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME
from dheads_model.shards.index import read_index
from dheads_model.shards.reader import read_shard

# Largest change of loudness by augmentation, in natural log of power: 8.7 decibels.
_LARGEST_GAIN = 2.0


@dataclass(frozen=True)
class MouthClip:
    """Mouth crops uint8 `[T, 36, 52]` (grey, with MARGIN on each side) and features float32 `[T, 4, bands]` of a clip."""

    clip: str
    speaker: str
    transcript: str
    mouth: np.ndarray
    features: np.ndarray


@dataclass(frozen=True)
class PairBatch:
    """Synchronous windows: mouth uint8 `[B, W, 32, 48]`, audio float32 `[B, W, 4, bands]`; those of a clip are adjacent."""

    mouth: np.ndarray
    audio: np.ndarray


def mouth_clip(name: str, speaker: str, transcript: str, frames, landmarks, features: np.ndarray) -> MouthClip:
    """A clip from frames `[T, S, S, 3]`, landmarks `[T, 68, 2]` and features `[4 T, bands]`."""
    grouped = features.reshape(len(frames), FEATURE_COLUMNS_PER_FRAME, -1)
    return MouthClip(name, speaker, transcript, cut_mouths(frames, landmarks), grouped)


def load_mouth_clips(index_path: Path | str, split: str, max_clips: int) -> list[MouthClip]:
    """Clips of a split in memory, about 3 kB per frame: all, or those of every k-th shard if there are more than max_clips.

    The choice of shards depends on nothing else, so that a split by speakers remains one. Raises UserError for an
    altered shard.
    """
    index = read_index(index_path)
    every = max(-(-index.count(split) // max_clips), 1)
    return [
        mouth_clip(clip.clip, clip.speaker, clip.transcript, clip.frames, clip.landmarks, clip.features)
        for path in index.manifests(split)[::every]
        for clip in read_shard(path)
    ]


def sample_pairs(
    clips: Sequence[MouthClip],
    clips_per_batch: int,
    windows_per_clip: int,
    closest: int,
    radius: int,
    seed: int,
    step: int,
) -> PairBatch:
    """The pairs of one training step, a pure function of (seed, step).

    Clips are drawn without replacement, and from each clip windows whose centres are at least `closest` frames apart:
    the other windows of its clip, shifted by that much or more, are the hard negatives of a window. Mirroring, shift
    (up to MARGIN pixels) and gain are drawn once per clip. Raises UserError when there are too few clips that are long
    enough.
    """
    shortest = 2 * radius + (windows_per_clip - 1) * closest + 1
    usable = [clip for clip in clips if len(clip.mouth) >= shortest]
    if len(usable) < clips_per_batch:
        raise UserError(
            f"{len(usable)} of {len(clips)} training clips have the {shortest} frames that windows_per_clip "
            f"{windows_per_clip} needs, and clips_per_batch is {clips_per_batch}: lower one of the two in "
            "sync_encoders.NAME.training."
        )
    generator = np.random.default_rng([seed, step])
    mouths, features = [], []
    for number in generator.choice(len(usable), clips_per_batch, replace=False):
        clip = usable[number]
        slack = len(clip.mouth) - shortest
        steps = np.sort(generator.choice(slack + windows_per_clip, windows_per_clip, replace=False))
        # Distinct sorted numbers, spread so that neighbours are at least `closest` apart.
        centres = radius + steps + np.arange(windows_per_clip) * (closest - 1)
        frames = centres[:, None] + np.arange(-radius, radius + 1)
        mouth = crop_mouths(clip.mouth, *generator.integers(-MARGIN, MARGIN + 1, 2))[frames]
        mouths.append(mouth[..., ::-1] if generator.random() < 0.5 else mouth)
        features.append(clip.features[frames] + np.float32(generator.uniform(-_LARGEST_GAIN, _LARGEST_GAIN)))
    return PairBatch(np.ascontiguousarray(np.concatenate(mouths)), np.concatenate(features))
