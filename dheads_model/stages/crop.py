"""Every output frame of the clips of a shard warped to the face crop, and encoded."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from dheads_model.faces.crop import chain, framing, halvings, warp
from dheads_model.faces.crop_settings import CropSettings
from dheads_model.faces.tables import read_clips
from dheads_model.manifest import Manifest, Outcome, process_clips, read_manifest, verify_file
from dheads_model.media.encode import encode_video
from dheads_model.media.source_path import check_source
from dheads_model.media.video import chosen_frames
from dheads_model.shards.tar import open_tar


def crop_clip(path: Path, align: dict, facts: dict, settings: CropSettings) -> np.ndarray:
    """Crops uint8 RGB `[T, size, size, 3]` of one clip from its align table and facts; only frames that are used are warped.

    Raises ClipFailed("damaged") when the video no longer shows as many frames as were tracked.
    """
    matrices = chain(framing(settings), align["matrix"])
    halved = halvings(matrices)
    crops = np.empty((len(matrices), settings.size, settings.size, 3), dtype=np.uint8)
    for place, frame in enumerate(chosen_frames(path, align["source_frame"], facts["source_frames"])):
        crops[place] = warp(frame, matrices[place], settings.size, halved)
    return crops


def members_of(clip: str, crops: np.ndarray, settings: CropSettings) -> Iterator[tuple[str, bytes]]:
    """Tar members of one clip: an mp4, or PNG frames."""
    if settings.format == "video":
        yield f"{clip}.mp4", encode_video(crops, crf=settings.crf, pixel_format="yuv444p")
    else:
        for index, crop in enumerate(crops):
            yield f"{clip}.frames/{index:06d}.png", cv2.imencode(".png", crop[:, :, ::-1])[1].tobytes()


def crop_shard(
    source: Manifest, align_manifest: Path | str, settings: CropSettings, output: Path | str
) -> list[Outcome]:
    """Crop the aligned clips of a shard into a tar; returns the outcome of each clip."""
    # OpenCV would start a thread for each core of the machine; the job of a shard has one core.
    cv2.setNumThreads(1)
    align = read_manifest(align_manifest)
    aligned, files = read_clips(verify_file(align_manifest, align.files[0])), source.ok()
    with open_tar(output) as add:

        def work(clip: str, facts: dict) -> dict:
            crops = crop_clip(check_source(files[clip]), aligned[clip], facts, settings)
            add(list(members_of(clip, crops, settings)))
            return {"frames": len(crops), "size": settings.size}

        return process_clips(align.ok().items(), work)
