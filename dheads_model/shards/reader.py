"""Reading packed shards: a tar is verified against its manifest before its first clip is read."""

import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Iterator
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


def read_shard(manifest_path: Path | str, wanted: Collection[str] | None = None) -> Iterator[ShardClip]:
    """The clips of a shard in order, or those `wanted`; raises UserError when the tar is missing, truncated or altered."""
    manifest = read_manifest(manifest_path)
    tar = verify_file(manifest_path, manifest.files[0])
    for clip, members in groupby(read_tar(tar), key=lambda member: member[0].partition(".")[0]):
        if wanted is None or clip in wanted:
            yield unpack_clip(clip, list(members))


@dataclass(frozen=True)
class StoredClip:
    """A clip in a shard's tar that is read when it is needed. members: (name, offset, bytes) of its files in the tar."""

    clip: str
    tar: Path
    members: tuple[tuple[str, int, int], ...]

    def read(self) -> ShardClip:
        """The clip; raises ValueError when its parts differ in length."""
        return unpack_clip(self.clip, list(self._contents()))

    def sha256(self) -> str:
        """Hex sha256 of its files' names and bytes."""
        total = hashlib.sha256()
        for name, content in self._contents():
            total.update(f"{name} {len(content)}\n".encode() + content)
        return total.hexdigest()

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        with open(self.tar, "rb") as stream:
            for name, offset, count in self.members:
                stream.seek(offset)
                yield name, stream.read(count)


def locate_clips(manifest_path: Path | str) -> list[StoredClip]:
    """The clips of a shard in order, none of them read yet; raises UserError when the tar is missing, truncated or altered."""
    tar = verify_file(manifest_path, read_manifest(manifest_path).files[0])
    with tarfile.open(tar) as opened:
        found = [(member.name, member.offset_data, member.size) for member in opened]
    groups = groupby(found, key=lambda member: member[0].partition(".")[0])
    return [StoredClip(clip, tar, tuple(members)) for clip, members in groups]


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
