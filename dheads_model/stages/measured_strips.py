"""Clips of a shard as strips: frames of the ground truth and of a method, with their measured landmarks."""

from dataclasses import dataclass
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.faces.tables import read_clips
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.media.video import decode_video
from dheads_model.shards.reader import read_shard
from dheads_model.tables.strips import Strip


@dataclass(frozen=True)
class MeasuredVideos:
    """Manifests of a method's videos and of what was measured of them."""

    videos: str
    measured: str


def measured_strips(shard: Path | str, truth: MeasuredVideos, method: MeasuredVideos, count: int) -> list[Strip]:
    """The first `count` clips of which both videos were measured. Raises UserError where there is none."""
    ours, theirs = _videos(method.videos), _videos(truth.videos)
    our_points, true_points = _landmarks(method.measured), _landmarks(truth.measured)
    strips = []
    for clip in read_shard(shard):
        if len(strips) == count:
            break
        if clip.clip not in our_points or clip.clip not in true_points:
            continue
        frames, reference = decode_video(ours[clip.clip]()), decode_video(theirs[clip.clip]())
        found = true_points[clip.clip]["landmarks"], our_points[clip.clip]["landmarks"]
        title = f"{clip.clip}: {clip.transcript}" if clip.transcript else clip.clip
        strips.append(Strip(title, reference, frames, *found, clip.audio))
    if not strips:
        raise UserError(f"{method.measured} lists no measured video; look at its clips for the reasons.")
    return strips


def _videos(manifest_path: str) -> dict:
    """{clip: function that checks the video's hash and gives its path}."""
    manifest = read_manifest(manifest_path)
    return {Path(f.name).stem: (lambda f=f: verify_file(manifest_path, f)) for f in manifest.files}


def _landmarks(manifest_path: str) -> dict[str, dict]:
    """{clip: columns} of the landmarks that were found in a method's videos."""
    return read_clips(verify_file(manifest_path, read_manifest(manifest_path).files[1]))
