"""All metrics of one method's videos of a test shard, one row a clip and metric, and the landmarks they come from."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from dheads_model.errors import ClipFailed
from dheads_model.faces.redetect import detect_in_crops
from dheads_model.faces.tables import LANDMARK, write_table
from dheads_model.files import atomic_path
from dheads_model.manifest import process_clips, read_manifest, verify_file
from dheads_model.media.video import decode_video
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.registry import requested_metrics
from dheads_model.shards.reader import ShardClip, read_shard
from workflow_scripts.command import parser, run
from workflow_scripts.finish import finish_stage

COLUMNS = ["dataset", "split", "speaker", "method", "clip", "frames", "metric", "value", "status", "reason"]


def main(given) -> None:
    videos = read_manifest(given.videos)
    stored = {Path(file.name).stem: file for file in videos.files}
    settings = given.settings
    metrics = requested_metrics(settings)
    is_reference = videos.settings["kind"] == "ground_truth"
    rows: list[dict] = []
    points: list[tuple[str, dict]] = []

    def work(name: str, clip: ShardClip) -> dict:
        if name not in stored:
            raise ClipFailed("missing_file", f"method {given.method} made no video of it")
        frames = decode_video(verify_file(given.videos, stored[name]))
        if frames.shape != clip.frames.shape:
            raise ClipFailed("damaged", f"the video is {frames.shape}, the ground truth {clip.frames.shape}")
        landmarks, seen = detect_in_crops(frames, settings["backend"], given.weights_folder, settings["precision"])
        points.append((name, {"frame": np.arange(len(frames), dtype=np.int32), "landmarks": landmarks}))
        found = measure_clip(
            frames,
            clip.frames,
            clip.audio,
            landmarks,
            seen,
            clip.landmarks,
            is_reference,
            metrics,
            given.weights_folder,
        )
        about = {"dataset": videos.dataset, "split": clip.split, "speaker": clip.speaker, "method": given.method}
        rows.extend({**about, "clip": name, "frames": len(frames), **asdict(measurement)} for measurement in found)
        return {"frames_with_face": int(seen.sum())}

    outcomes = process_clips(((clip.clip, clip) for clip in read_shard(given.shard)), work)
    with atomic_path(given.output) as temporary:
        table = pd.DataFrame(rows, columns=COLUMNS).astype({"value": "float64"})
        table.to_parquet(temporary, index=False, compression="zstd")
    write_table(given.landmarks, LANDMARK, points)
    files = [given.output, given.landmarks]
    finish_stage(
        given, "measure_videos", videos.dataset, videos, outcomes, files, made_from=[given.shard, given.videos]
    )


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--weights-folder", default="resources/weights")
    for name in ("--shard", "--videos", "--method", "--output", "--landmarks", "--manifest"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.measure_videos", arguments, main)
