"""The 68 landmarks of a shard's clips in pixels of the crop: by its transform, or found again in the crop."""

import numpy as np

from dheads_model.config import build
from dheads_model.errors import ClipFailed
from dheads_model.faces.align import apply
from dheads_model.faces.crop import CropSettings, chain, framing
from dheads_model.faces.redetect import redetect
from dheads_model.faces.redetect_settings import RedetectSettings
from dheads_model.faces.tables import LANDMARK, read_clips, write_table
from dheads_model.manifest import (
    process_clips,
    read_manifest,
    verify_file,
)
from dheads_model.shards.crops import read_crops
from workflow_scripts.command import add_budget, parser, run
from workflow_scripts.finish import finish_stage


def main(given) -> None:
    track_manifest, align_manifest, crop_manifest = map(read_manifest, (given.track, given.align, given.crop))
    tracks = read_clips(verify_file(given.track, track_manifest.files[0]))
    aligned = read_clips(verify_file(given.align, align_manifest.files[0]))
    crop_settings = build(CropSettings, crop_manifest.settings, "crop")
    settings = build(RedetectSettings, given.settings, "landmark")
    crops = dict(read_crops(verify_file(given.crop, crop_manifest.files[0]))) if settings.redetect else {}
    placed: list[tuple[str, dict]] = []

    def work(clip: str, facts: dict) -> dict:
        chosen = aligned[clip]["source_frame"]
        if len(chosen) != facts["frames"]:
            raise ClipFailed("damaged", f"{facts['frames']} crops, {len(chosen)} transforms")
        matrices = chain(framing(crop_settings), aligned[clip]["matrix"])
        points = apply(matrices, tracks[clip]["landmarks"][chosen].astype(np.float64)).astype(np.float32)
        found = {}
        if settings.redetect:
            points, count = redetect(crops[clip], points, track_manifest.settings["backend"], given.weights_folder)
            found = {"redetected_frames": count}
        placed.append((clip, {"frame": np.arange(len(points), dtype=np.int32), "landmarks": points}))
        return found

    outcomes = process_clips(crop_manifest.ok().items(), work)
    write_table(given.output, LANDMARK, placed)
    finish_stage(
        given,
        "place_landmarks",
        crop_manifest.dataset,
        crop_manifest,
        outcomes,
        [given.output],
        made_from=[given.source, given.track, given.align, given.crop],
    )


if __name__ == "__main__":
    arguments = add_budget(parser(__doc__))
    arguments.add_argument("--weights-folder", default="resources/weights")
    for name in ("--source", "--track", "--align", "--crop", "--output", "--manifest"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.place_landmarks", arguments, main)
