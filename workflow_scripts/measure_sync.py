"""How well mouth and sound of one method's videos of a test shard go together, one row a clip and metric."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from dheads_model.checksum import verify_checksum
from dheads_model.errors import ClipFailed, UserError
from dheads_model.faces.mouth import crop_mouths
from dheads_model.faces.tables import read_clips
from dheads_model.faces.track import fill_gaps
from dheads_model.files import atomic_path
from dheads_model.manifest import process_clips, read_manifest, verify_file
from dheads_model.media.video import decode_video
from dheads_model.metrics.measurement import Measurement
from dheads_model.metrics.seen import unseen_reason
from dheads_model.metrics.signals import is_still, mouth_opening
from dheads_model.metrics.sync import measure_sync, refuse_sync
from dheads_model.network.sync_encoder import SyncEncoder, embed_clip, load_sync_encoder
from dheads_model.shards.pairs import mouth_clip
from dheads_model.shards.reader import ShardClip, read_shard
from workflow_scripts.command import parser, run
from workflow_scripts.finish import finish_stage
from workflow_scripts.measure_videos import COLUMNS


def main(given) -> None:
    if bool(given.encoder) == bool(given.refusal):
        raise UserError("give either --encoder or --refusal.")
    torch.set_num_threads(1)
    videos, measured = read_manifest(given.videos), read_manifest(given.measured)
    stored = {Path(file.name).stem: file for file in videos.files}
    points = read_clips(verify_file(given.measured, measured.files[1]))
    if given.encoder:
        verify_checksum(given.encoder)
    encoder = load_sync_encoder(given.encoder)[0] if given.encoder else None
    rows: list[dict] = []

    def work(name: str, clip: ShardClip) -> dict:
        if name not in stored or name not in points:
            raise ClipFailed("missing_file", f"method {given.method} has no measured video of it")
        frames = decode_video(verify_file(given.videos, stored[name]))
        found = refuse_sync(given.refusal) if encoder is None else measure(encoder, clip, frames, points[name])
        about = {"dataset": videos.dataset, "split": clip.split, "speaker": clip.speaker, "method": given.method}
        rows.extend({**about, "clip": name, "frames": len(frames), **asdict(measurement)} for measurement in found)
        return {}

    outcomes = process_clips(((clip.clip, clip) for clip in read_shard(given.shard)), work)
    with atomic_path(given.output) as temporary:
        table = pd.DataFrame(rows, columns=COLUMNS).astype({"value": "float64"})
        table.to_parquet(temporary, index=False, compression="zstd")
    made_from = [given.shard, given.videos, given.measured, *filter(None, [given.checksum])]
    finish_stage(given, "measure_sync", videos.dataset, videos, outcomes, [given.output], made_from=made_from)


def measure(encoder: SyncEncoder, clip: ShardClip, frames, points: dict) -> list[Measurement]:
    """Measurements of a video uint8 `[T, S, S, 3]`, whose landmarks hold NaN where no face was seen, and the clip's sound."""
    seen = ~pd.isna(points["landmarks"][:, 0, 0])
    if reason := unseen_reason(seen):
        return refuse_sync(reason)
    landmarks = fill_gaps(points["landmarks"][seen], seen)
    cut = mouth_clip(clip.clip, clip.speaker, clip.transcript, frames, landmarks, clip.features)
    return measure_sync(
        *embed_clip(encoder, crop_mouths(cut.mouth), cut.features), is_still(mouth_opening(landmarks))
    )  # fmt: skip


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--encoder", nargs="?", help="the encoders to measure with")
    arguments.add_argument("--checksum", nargs="?", help="their checksum file")
    arguments.add_argument("--refusal", nargs="?", help="why there are none, instead")
    for name in ("--shard", "--videos", "--measured", "--method", "--output", "--manifest"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.measure_sync", arguments, main)
