"""Reference videos: the ground truth, its first frame repeated, or another clip."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed, UserError
from dheads_model.manifest import Outcome, process_clips
from dheads_model.media.encode import write_video
from dheads_model.shards.reader import ShardClip, read_shard
from dheads_model.shards.subset import choose_clips


def reference_frames(clips: list[ShardClip], number: int, kind: str) -> np.ndarray:
    """Frames uint8 `[T, S, S, 3]` of a reference kind for one clip of a shard.

    ground_truth, frozen_first_frame, or ground_truth_of_another: a real video with another transcript, see
    `another`, of the clip's length (cut, or played backwards and forwards again). Raises ClipFailed if there is no other clip.
    """
    frames = clips[number].frames
    if kind == "ground_truth":
        return frames
    if kind == "frozen_first_frame":
        return np.repeat(frames[:1], len(frames), axis=0)
    if kind == "ground_truth_of_another":
        other = another(clips, number).frames
        back_and_forth = np.concatenate([np.arange(len(other)), np.arange(len(other))[-2:0:-1]])
        return other[np.resize(back_and_forth, len(frames))]
    raise UserError(
        f"config key methods.NAME.kind is {kind!r}; a reference is ground_truth, frozen_first_frame or "
        "ground_truth_of_another."
    )


def another(clips: list[ShardClip], number: int) -> ShardClip:
    """The next clip of the shard, cyclically, with another transcript: of the same speaker if there is one, else of any
    speaker, else the next clip."""
    clip = clips[number]
    others = clips[number + 1 :] + clips[:number]
    if not others:
        raise ClipFailed("missing_file", "its shard has no other clip; raise sharding.clips_per_shard")
    differs = [other for other in others if not clip.transcript or other.transcript != clip.transcript]
    return next(iter([other for other in differs if other.speaker == clip.speaker] + differs + others))


def copy_references(shard: Path | str, kind: str, output_folder: Path, subset: Mapping | None = None) -> list[Outcome]:
    """Encode the reference videos of a packed shard, or of a subset of its clips; returns the outcome of each clip.

    subset: see `choose_clips`. The other clip of ground_truth_of_another is any of the shard's.
    """
    clips = list(read_shard(shard))
    chosen = choose_clips([clip.clip for clip in clips], subset)

    def work(name: str, number: int) -> dict:
        frames = reference_frames(clips, number, kind)
        write_video(output_folder / f"{name}.mp4", frames, clips[number].audio)
        return {"frames": len(frames)}

    return process_clips(((clip.clip, number) for number, clip in enumerate(clips) if clip.clip in chosen), work)
