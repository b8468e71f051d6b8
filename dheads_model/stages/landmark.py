"""The 68 landmarks of the clips of a shard in pixels of the crop."""

from pathlib import Path

import numpy as np

from dheads_model.config import build
from dheads_model.errors import ClipFailed
from dheads_model.faces.align import apply
from dheads_model.faces.crop import chain, framing
from dheads_model.faces.crop_settings import CropSettings
from dheads_model.faces.redetect import redetect
from dheads_model.faces.redetect_settings import RedetectSettings
from dheads_model.faces.tables import LANDMARK, read_clips, write_table
from dheads_model.manifest import Outcome, process_clips, read_manifest, verify_file
from dheads_model.shards.crops import read_crops


def place_shard(
    track_manifest: Path | str,
    align_manifest: Path | str,
    crop_manifest: Path | str,
    settings: RedetectSettings,
    weights_folder: str,
    output: Path | str,
) -> list[Outcome]:
    """Place the landmarks of the cropped clips, by transforms or by detection in the crops; returns the outcome of each clip."""
    track, align, crop = map(read_manifest, (track_manifest, align_manifest, crop_manifest))
    tracks = read_clips(verify_file(track_manifest, track.files[0]))
    aligned = read_clips(verify_file(align_manifest, align.files[0]))
    crop_settings = build(CropSettings, crop.settings, "crop")
    crops = dict(read_crops(verify_file(crop_manifest, crop.files[0]))) if settings.redetect else {}
    placed: list[tuple[str, dict]] = []

    def work(clip: str, facts: dict) -> dict:
        chosen = aligned[clip]["source_frame"]
        if len(chosen) != facts["frames"]:
            raise ClipFailed("damaged", f"{facts['frames']} crops, {len(chosen)} transforms")
        matrices = chain(framing(crop_settings), aligned[clip]["matrix"])
        points = apply(matrices, tracks[clip]["landmarks"][chosen].astype(np.float64)).astype(np.float32)
        found = {}
        if settings.redetect:
            points, count = redetect(crops[clip], points, track.settings["backend"], weights_folder)
            found = {"redetected_frames": count}
        placed.append((clip, {"frame": np.arange(len(points), dtype=np.int32), "landmarks": points}))
        return found

    outcomes = process_clips(crop.ok().items(), work)
    write_table(output, LANDMARK, placed)
    return outcomes
