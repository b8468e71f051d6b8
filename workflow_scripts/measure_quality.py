"""Quality of every prepared clip of a shard, one row a clip, and its middle frame for people to look at."""

import cv2
import pandas as pd

from dheads_model.faces.tables import read_clips
from dheads_model.files import atomic_path
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.metrics.clip_quality import MEASURES, clip_quality
from dheads_model.shards.reader import read_shard
from dheads_model.tables.quality_report import with_landmarks
from workflow_scripts.command import parser, run

COLUMNS = ["dataset", "split", "speaker", "clip", *MEASURES, "picture"]


def main(given) -> None:
    track_manifest = read_manifest(given.track)
    tracks, facts = read_clips(verify_file(given.track, track_manifest.files[0])), track_manifest.ok()
    rows = []
    for clip in read_shard(given.shard):
        middle = len(clip.frames) // 2
        picture = with_landmarks(clip.frames[middle], clip.landmarks[middle])
        values = clip_quality(
            tracks[clip.clip], facts[clip.clip], clip.landmarks, clip.audio, clip.frames.shape[1]
        )  # fmt: skip
        about = {"dataset": track_manifest.dataset, "split": clip.split, "speaker": clip.speaker, "clip": clip.clip}
        rows.append({**about, **values, "picture": cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes()})
    with atomic_path(given.output) as temporary:
        pd.DataFrame(rows, columns=COLUMNS).to_parquet(temporary, index=False, compression="zstd")


if __name__ == "__main__":
    arguments = parser(__doc__)
    for name in ("--track", "--shard", "--output"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.measure_quality", arguments, main)
