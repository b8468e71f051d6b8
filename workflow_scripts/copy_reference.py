"""Videos that no model makes, encoded as a model's are: the ground truth itself, or its first frame held still."""

from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.manifest import Outcome, read_manifest
from dheads_model.media.encode import write_video
from dheads_model.shards.reader import read_shard
from workflow_scripts.command import parser, run
from workflow_scripts.finish import finish_stage


def reference_frames(frames: np.ndarray, kind: str) -> np.ndarray:
    """Frames uint8 `[T, S, S, 3]` of a reference kind, `ground_truth` or `frozen_first_frame`."""
    if kind == "ground_truth":
        return frames
    if kind == "frozen_first_frame":
        return np.repeat(frames[:1], len(frames), axis=0)
    raise UserError(f"config key methods.NAME.kind is {kind!r}; a reference is ground_truth or frozen_first_frame.")


def main(given) -> None:
    shard = read_manifest(given.shard)
    folder = Path(given.videos_folder)
    outcomes = []
    for clip in read_shard(given.shard):
        frames = reference_frames(clip.frames, given.settings["kind"])
        write_video(folder / f"{clip.clip}.mp4", frames, clip.audio)
        outcomes.append(Outcome(clip.clip, "ok", facts={"frames": len(frames)}))
    files = [folder / f"{outcome.clip}.mp4" for outcome in outcomes]
    finish_stage(given, "copy_reference", shard.dataset, shard, outcomes, files, made_from=[given.shard])


if __name__ == "__main__":
    arguments = parser(__doc__)
    for name in ("--shard", "--videos-folder", "--manifest"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.copy_reference", arguments, main)
