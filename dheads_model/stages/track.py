"""Face and 68 landmarks in every frame of the clips of a shard."""

from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFailed, ClipFiltered
from dheads_model.faces.detect import Detector, open_detector
from dheads_model.faces.landmarks import eye_distance
from dheads_model.faces.tables import TRACK, write_table
from dheads_model.faces.track import track_face
from dheads_model.faces.track_settings import TrackSettings
from dheads_model.manifest import Manifest, Outcome, process_clips
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.media.source_path import check_source
from dheads_model.media.video import open_video


def track_clip(source: dict, detector: Detector, settings: TrackSettings) -> tuple[dict, dict]:
    """(columns of the track table, facts) of one clip; raises ClipFiltered and ClipFailed."""
    check_source(source)
    video = open_video(source["path"])
    track = track_face(detector(video.chunks()), settings)
    if len(track.landmarks) != len(video.times):
        raise ClipFailed("damaged", f"{len(track.landmarks)} of {len(video.times)} frames can be decoded")
    # A damaged time stamp can give a length of days; the output must stay bounded.
    seconds = video.end - float(video.times[0])
    if seconds * FRAMES_PER_SECOND > settings.max_frames:
        raise ClipFiltered(
            "too_long", f"{seconds:.0f} s by its time stamps, {settings.max_frames} frames of 40 ms are allowed"
        )
    columns = {
        "frame": np.arange(len(video.times), dtype=np.int32),
        "time": video.times,
        "landmarks": track.landmarks,
        "detected": track.detected,
        "faces": track.faces,
        "other_boxes": track.other_boxes,
    }
    facts = {
        "decoder": video.decoder,
        "width": video.facts.width,
        "height": video.facts.height,
        "fps": video.facts.fps,
        "frames": len(video.times),
        "start": float(video.times[0]),
        "end": video.end,
        "detected_fraction": round(float(track.detected.mean()), 4),
        "longest_gap": track.longest_gap,
        "most_faces": int(track.faces.max()),
        "eye_distance": round(float(np.median(eye_distance(track.landmarks))), 2),
    }
    return columns, facts


def track_shard(source: Manifest, settings: TrackSettings, weights_folder: str, output: Path | str) -> list[Outcome]:
    """Track the clips of a source manifest and write the table of tracks; returns the outcome of each clip."""
    detector = open_detector(settings.backend, settings.max_faces, weights_folder, settings.precision)
    tracks: list[tuple[str, dict]] = []

    def work(clip: str, facts: dict) -> dict:
        columns, found = track_clip(facts, detector, settings)
        tracks.append((clip, columns))
        return found

    outcomes = process_clips(source.ok().items(), work)
    write_table(output, TRACK, tracks)
    return outcomes
