"""Features of the videos of one method on a test shard, for distances between sets of clips."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed
from dheads_model.manifest import Outcome, StoredFile, process_clips, read_manifest, verify_file
from dheads_model.media.video import decode_video
from dheads_model.metrics.set_distance import SetDistance
from dheads_model.stages.feature_files import write_features


def extract_shard(
    videos_manifest: Path | str, distance: SetDistance, settings: Mapping, weights_folder: str, output: Path | str
) -> list[Outcome]:
    """Write the features of all videos of a manifest; returns the outcome of each clip, with its rows of features.

    settings: what `distance.open` needs. A clip without a video, or that the network cannot take, has none.
    """
    videos = read_manifest(videos_manifest)
    stored = {Path(file.name).stem: file for file in videos.files}
    features = distance.open(weights_folder, settings)
    found: list[tuple[str, np.ndarray]] = []

    def work(clip: str, file: StoredFile | None) -> dict:
        if file is None:
            raise ClipFailed("missing_file", "the method made no video of it")
        rows = features(decode_video(verify_file(videos_manifest, file)))
        if rows.ndim != 2 or rows.shape[1] != distance.size:
            raise ValueError(f"a distance of {distance.size} features gave {rows.shape}.")
        found.append((clip, rows.astype(np.float32)))
        return {"rows": len(rows)}

    outcomes = process_clips(((outcome.clip, stored.get(outcome.clip)) for outcome in videos.clips), work)
    write_features(output, distance.size, found)
    return outcomes
