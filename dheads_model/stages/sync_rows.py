"""Sync confidence and offset of the videos of one method on a test shard."""

from pathlib import Path

import pandas as pd

from dheads_model.checksum import verify_checksum
from dheads_model.errors import ClipFailed
from dheads_model.faces.mouth import crop_mouths
from dheads_model.faces.tables import read_clips
from dheads_model.faces.track import fill_gaps
from dheads_model.manifest import Outcome, process_clips, read_manifest, verify_file
from dheads_model.media.video import decode_video
from dheads_model.metrics.measurement import Measurement
from dheads_model.metrics.seen import unseen_reason
from dheads_model.metrics.signals import is_still, mouth_opening
from dheads_model.metrics.sync import measure_sync, refuse_sync
from dheads_model.network.sync_encoder import SyncEncoder, embed_clip, load_sync_encoder
from dheads_model.shards.pairs import mouth_clip
from dheads_model.shards.reader import ShardClip, read_shard
from dheads_model.stages.metric_rows import MetricRows


def measure_sync_shard(
    shard: Path | str,
    videos_manifest: Path | str,
    measured_manifest: Path | str,
    method: str,
    encoder: Path | str | None,
    refusal: str | None,
    output: Path | str,
) -> list[Outcome]:
    """Measure the videos of a method and write the table of metrics; returns the outcome of each clip.

    measured_manifest: of `measure.measure_shard`, whose landmarks are used. encoder: export of the sync encoder, checked
    against its checksum file; None where there is none, for the reason `refusal`.
    """
    videos, measured = read_manifest(videos_manifest), read_manifest(measured_manifest)
    stored = {Path(file.name).stem: file for file in videos.files}
    points = read_clips(verify_file(measured_manifest, measured.files[1]))
    if encoder:
        verify_checksum(encoder)
    network = load_sync_encoder(encoder)[0] if encoder else None
    rows = MetricRows(videos.dataset, method)

    def work(name: str, clip: ShardClip) -> dict:
        if name not in stored or name not in points:
            raise ClipFailed("missing_file", f"method {method} has no measured video of it")
        frames = decode_video(verify_file(videos_manifest, stored[name]))
        found = refuse_sync(refusal) if network is None else measure(network, clip, frames, points[name])
        rows.add(clip, len(frames), found)
        return {}

    outcomes = process_clips(((clip.clip, clip) for clip in read_shard(shard, videos.clip_ids())), work)
    rows.write(output)
    return outcomes


def measure(encoder: SyncEncoder, clip: ShardClip, frames, points: dict) -> list[Measurement]:
    """Measurements of a video uint8 `[T, S, S, 3]`, whose landmarks hold NaN where no face was seen, and the clip's audio."""
    seen = ~pd.isna(points["landmarks"][:, 0, 0])
    if reason := unseen_reason(seen):
        return refuse_sync(reason)
    landmarks = fill_gaps(points["landmarks"][seen], seen)
    cut = mouth_clip(clip.clip, clip.speaker, clip.transcript, frames, landmarks, clip.features)
    return measure_sync(
        *embed_clip(encoder, crop_mouths(cut.mouth), cut.features), is_still(mouth_opening(landmarks))
    )  # fmt: skip
