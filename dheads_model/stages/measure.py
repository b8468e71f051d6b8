"""Metrics of the videos of one method on a test shard, and the landmarks that they are computed from."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed
from dheads_model.faces.redetect import detect_in_crops
from dheads_model.faces.tables import LANDMARK, write_table
from dheads_model.manifest import Outcome, process_clips, read_manifest, verify_file
from dheads_model.media.video import decode_video
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.phones import NOT_TIMED
from dheads_model.metrics.registry import requested_metrics
from dheads_model.shards.reader import ShardClip, read_shard
from dheads_model.stages.metric_rows import MetricRows
from dheads_model.stages.phones import read_phones


def measure_shard(
    shard: Path | str,
    videos_manifest: Path | str,
    method: str,
    settings: Mapping,
    weights_folder: str,
    output: Path | str,
    landmarks_output: Path | str,
    phones_manifest: Path | str | None = None,
) -> list[Outcome]:
    """Measure the videos of a method and write the tables of metrics and of landmarks; returns the outcome of each clip.

    settings: `backend` and `precision` of the landmark detector, and whether each metric that must be requested is.
    phones_manifest: of `time_phones.time_phones`; None where no metric needs phone times.
    """
    videos = read_manifest(videos_manifest)
    stored = {Path(file.name).stem: file for file in videos.files}
    metrics = requested_metrics(settings)
    is_reference = videos.settings["kind"] == "ground_truth"
    phones = read_phones(phones_manifest) if phones_manifest else {}
    rows = MetricRows(videos.dataset, method)
    points: list[tuple[str, dict]] = []

    def work(name: str, clip: ShardClip) -> dict:
        if name not in stored:
            raise ClipFailed("missing_file", f"method {method} made no video of it")
        frames = decode_video(verify_file(videos_manifest, stored[name]))
        if frames.shape != clip.frames.shape:
            raise ClipFailed("damaged", f"the video is {frames.shape}, the ground truth {clip.frames.shape}")
        landmarks, seen = detect_in_crops(frames, settings["backend"], weights_folder, settings["precision"])
        points.append((name, {"frame": np.arange(len(frames), dtype=np.int32), "landmarks": landmarks}))
        found = measure_clip(
            frames, clip.frames, clip.audio, landmarks, seen, clip.landmarks, is_reference, metrics, weights_folder,
            phones.get(name, NOT_TIMED), clip.facts.get("word", ""),
        )  # fmt: skip
        rows.add(clip, len(frames), found)
        return {"frames_with_face": int(seen.sum())}

    outcomes = process_clips(((clip.clip, clip) for clip in read_shard(shard, videos.clip_ids())), work)
    rows.write(output)
    write_table(landmarks_output, LANDMARK, points)
    return outcomes
