"""Quality of the prepared clips of a shard, with a frame of each."""

from pathlib import Path

import cv2
import pandas as pd

from dheads_model.faces.tables import read_clips
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.metrics.clip_quality import MEASURES, clip_quality
from dheads_model.shards.reader import read_shard
from dheads_model.tables.quality_report import with_landmarks

COLUMNS = ["dataset", "split", "speaker", "clip", *MEASURES, "picture"]


def quality_table(track_manifest: Path | str, shard: Path | str) -> pd.DataFrame:
    """One row a clip of a packed shard, of COLUMNS; `picture` is its middle frame with landmarks, as PNG."""
    track = read_manifest(track_manifest)
    tracks, facts = read_clips(verify_file(track_manifest, track.files[0])), track.ok()
    rows = []
    for clip in read_shard(shard):
        middle = len(clip.frames) // 2
        image = with_landmarks(clip.frames[middle], clip.landmarks[middle])
        values = clip_quality(
            tracks[clip.clip], facts[clip.clip], clip.landmarks, clip.audio, clip.frames.shape[1]
        )  # fmt: skip
        about = {"dataset": track.dataset, "split": clip.split, "speaker": clip.speaker, "clip": clip.clip}
        rows.append({**about, **values, "picture": cv2.imencode(".png", image[:, :, ::-1])[1].tobytes()})
    return pd.DataFrame(rows, columns=COLUMNS)
