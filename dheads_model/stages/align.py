"""Similarity transform of every output frame to the mean face, on a clock of 25 frames a second."""

from pathlib import Path

import numpy as np

from dheads_model.errors import ClipFiltered
from dheads_model.faces.align import align_track, whole_picture
from dheads_model.faces.align_settings import AlignSettings
from dheads_model.faces.tables import ALIGN, read_clips, write_table
from dheads_model.manifest import Outcome, process_clips, read_manifest, verify_file
from dheads_model.media.clock import frame_grid, nearest_frames


def align_clip(track: dict, facts: dict, settings: AlignSettings) -> tuple[dict, dict]:
    """(columns of the align table, facts) of one clip from its track."""
    times = frame_grid(facts["start"], facts["end"])
    if not len(times):
        raise ClipFiltered("too_short", "the clip is shorter than one frame of 40 ms")
    chosen = nearest_frames(track["time"], times)
    columns = {
        "frame": np.arange(len(times), dtype=np.int32),
        "source_frame": chosen.astype(np.int32),
        "time": times,
        "matrix": (
            align_track(track["landmarks"][chosen], settings)
            if settings.framing == "aligned"
            else whole_picture(len(times), facts["width"], facts["height"])
        ),
    }
    return columns, {"start": facts["start"], "frames": len(times), "source_frames": facts["frames"]}


def align_shard(track_manifest: Path | str, settings: AlignSettings, output: Path | str) -> list[Outcome]:
    """Align the tracked clips of a shard and write the table of transforms; returns the outcome of each clip."""
    tracked = read_manifest(track_manifest)
    tracks = read_clips(verify_file(track_manifest, tracked.files[0]))
    aligned: list[tuple[str, dict]] = []

    def work(clip: str, facts: dict) -> dict:
        columns, found = align_clip(tracks[clip], facts, settings)
        aligned.append((clip, columns))
        return found

    outcomes = process_clips(tracked.ok().items(), work)
    write_table(output, ALIGN, aligned)
    return outcomes
