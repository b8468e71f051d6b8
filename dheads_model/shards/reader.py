"""Reading packed shards: a tar is verified against its manifest before its first clip is read."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from dheads_model.manifest import read_manifest, verify_file
from dheads_model.media.audio import read_wav
from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME, SAMPLES_PER_FRAME
from dheads_model.shards.crops import decode_frames
from dheads_model.shards.tar import read_tar


@dataclass(frozen=True)
class ShardClip:
    """One prepared clip of T frames.

    frames: uint8 RGB `[T, S, S, 3]`. audio: int16 `[640 T]` at 16 kHz. landmarks: float32 `[T, 68, 2]` pixels of the
    frames. features: float32 `[4 T, bands]` log filterbank. facts: the rest of the clip's json.
    """

    clip: str
    speaker: str
    split: str
    transcript: str
    frames: np.ndarray
    audio: np.ndarray
    landmarks: np.ndarray
    features: np.ndarray
    facts: dict


def read_shard(manifest_path: Path | str) -> Iterator[ShardClip]:
    """The clips of a shard in order; raises UserError when the tar is missing, truncated or altered."""
    manifest = read_manifest(manifest_path)
    tar = verify_file(manifest_path, manifest.files[0])
    for clip, members in groupby(read_tar(tar), key=lambda member: member[0].partition(".")[0]):
        yield unpack_clip(clip, list(members))


def unpack_clip(clip: str, members: list[tuple[str, bytes]]) -> ShardClip:
    """One clip from its tar members; raises ValueError when its parts differ in length."""
    parts = {name.partition(".")[2]: content for name, content in members}
    images = [(name, content) for name, content in members if name.endswith((".mp4", ".png"))]
    facts = json.loads(parts["json"])
    frames = decode_frames(images)
    audio = read_wav(parts["wav"])
    landmarks = np.load(io.BytesIO(parts["landmarks.npy"]), allow_pickle=False)
    features = np.load(io.BytesIO(parts["features.npy"]), allow_pickle=False)
    lengths = {
        "frames": len(frames),
        "audio": len(audio) / SAMPLES_PER_FRAME,
        "landmarks": len(landmarks),
        "features": len(features) / FEATURE_COLUMNS_PER_FRAME,
    }
    if len(set(lengths.values())) != 1:
        raise ValueError(f"clip {clip} has parts of different length in frames: {lengths}")
    known = ("speaker", "split", "transcript")
    return ShardClip(clip, *(facts[key] for key in known), frames, audio, landmarks, features, facts)
