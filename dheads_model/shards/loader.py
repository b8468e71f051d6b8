"""Clips in memory and training windows from them.

A training window (Diffused Heads, section 4) is a target frame, an identity frame of the same clip, the motion frames
before the target, and its audio window. A batch is a pure function of (seed, step): a resumed run has the same batches
as an uninterrupted one.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dheads_model.errors import UserError
from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME
from dheads_model.shards.index import Index, read_index
from dheads_model.shards.reader import ShardClip, read_shard


@dataclass(frozen=True)
class LoadedClip:
    """A clip at the model's size: frames uint8 `[T, S, S, 3]`, features float32 `[T, 4, bands]` or embeddings `[T, D]`,
    landmarks float32 `[T, 68, 2]`."""

    clip: str
    speaker: str
    frames: np.ndarray
    features: np.ndarray
    landmarks: np.ndarray

    @functools.cached_property
    def mean_landmarks(self) -> np.ndarray:
        """Mean over the frames, float32 `[68, 2]`."""
        return self.landmarks.mean(axis=0)


@dataclass(frozen=True)
class Batch:
    """Training windows. target, identity: uint8 `[B, S, S, 3]`; motion: uint8 `[B, M, S, S, 3]`, oldest first; audio:
    float32 `[B, 2 m + 1, 4, bands]` or `[B, 2 m + 1, D]`; landmarks, identity_landmarks: float32 `[B, 68, 2]` of target
    and identity frame; mean_landmarks: mean over the frames of the clip. strata: the range of noise levels that each row
    draws from, int64 `[B]`, a permutation; None for the row's number, which is valid for independently drawn windows in
    memory."""

    target: np.ndarray
    identity: np.ndarray
    motion: np.ndarray
    audio: np.ndarray
    landmarks: np.ndarray
    identity_landmarks: np.ndarray
    mean_landmarks: np.ndarray
    clips: tuple[str, ...]
    frames: np.ndarray
    strata: np.ndarray | None = None


def load_split(
    index_path: Path | str,
    split: str,
    image_size: int,
    embed: Callable[[ShardClip], np.ndarray] | None = None,
    every: int = 1,
) -> list[LoadedClip]:
    """All clips of a split, or of every k-th of its shards (k = every), in memory, resized to `image_size`; can be empty.

    embed: see `load_clip`. Raises UserError for a truncated or altered shard.
    """
    index = read_index(index_path)
    return [load_clip(clip, image_size, embed) for path in index.manifests(split)[::every] for clip in read_shard(path)]


def load_clip(clip: ShardClip, image_size: int, embed: Callable[[ShardClip], np.ndarray] | None = None) -> LoadedClip:
    """A prepared clip at the model's size, with audio features grouped by frame, or the audio embeddings of `embed`."""
    size = clip.frames.shape[1]
    frames = resize_frames(clip.frames, image_size)
    features = clip.features.reshape(len(frames), FEATURE_COLUMNS_PER_FRAME, -1) if embed is None else embed(clip)
    landmarks = (clip.landmarks + 0.5) * (image_size / size) - 0.5
    return LoadedClip(clip.clip, clip.speaker, frames, features, landmarks.astype(np.float32))


def frame_bytes(index: Index, split: str, image_size: int) -> int:
    """Bytes of a split's frames, decoded, at the model's size."""
    return index.count(split, "frames") * image_size**2 * 3


def resize_frames(frames: np.ndarray, size: int) -> np.ndarray:
    """Frames uint8 `[T, S, S, 3]` at another size: area averaging down, cubic interpolation up."""
    if frames.shape[1] == size:
        return frames
    how = cv2.INTER_AREA if size < frames.shape[1] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(frame, (size, size), interpolation=how) for frame in frames])


def sample_batch(
    clips: list[LoadedClip], batch_size: int, seed: int, step: int, audio_radius: int = 2, motion_frames: int = 2
) -> Batch:
    """The training windows of one step. Targets are uniform over all frames of all clips.

    The identity frame is another frame of the clip, uniformly (paper, section 4.1). Raises UserError without clips or
    for a clip of one frame.
    """
    if not clips:
        raise UserError("the training split holds no clip; results/data_card.md has the reasons.")
    lengths = np.array([len(clip.frames) for clip in clips])
    if lengths.min() < 2:
        raise UserError(
            f"clip {clips[int(lengths.argmin())].clip} has one frame only; raise config key track.min_frames."
        )
    generator = np.random.default_rng([seed, step])
    ends = np.cumsum(lengths)
    drawn = generator.integers(0, ends[-1], batch_size)
    owners = np.searchsorted(ends, drawn, side="right")
    targets = drawn - (ends - lengths)[owners]
    others = (targets + 1 + generator.integers(0, lengths[owners] - 1)) % lengths[owners]
    windows = [
        window(clips[owner], int(target), int(other), audio_radius, motion_frames)
        for owner, target, other in zip(owners, targets, others, strict=True)
    ]
    arrays = [np.stack(parts) for parts in zip(*windows, strict=True)]
    return Batch(*arrays, tuple(clips[owner].clip for owner in owners), targets)


def window(clip: LoadedClip, target: int, identity: int, audio_radius: int, motion_frames: int):
    """(target, identity, motion, audio, landmarks, identity's landmarks, mean landmarks) of one target frame.

    Motion frames before the clip's first are the identity frame; audio features beyond the ends repeat the outermost ones.
    """
    motion = [clip.frames[k] if k >= 0 else clip.frames[identity] for k in range(target - motion_frames, target)]
    around = audio_window(target, len(clip.frames), audio_radius)
    frames, marks = clip.frames, clip.landmarks
    seen = frames[target], frames[identity], np.array(motion)
    return *seen, clip.features[around], marks[target], marks[identity], clip.mean_landmarks


def audio_window(frame: int, count: int, radius: int) -> np.ndarray:
    """Indices frame - radius .. frame + radius, clipped to 0 .. count - 1."""
    return np.clip(np.arange(frame - radius, frame + radius + 1), 0, count - 1)
