"""Measure track, align, crop and encode against a bare loop of decord and MediaPipe on the same clips."""

import statistics
import time
from pathlib import Path

import cv2

from dheads_model.config import build
from dheads_model.faces.align import AlignSettings
from dheads_model.faces.crop import CropSettings
from dheads_model.faces.detect import open_detector
from dheads_model.faces.track import TrackSettings
from dheads_model.files import write_json
from dheads_model.manifest import read_manifest
from workflow_scripts.align_faces import align_clip
from workflow_scripts.command import parser, run
from workflow_scripts.crop_faces import crop_clip, members_of
from workflow_scripts.machine import machine_facts
from workflow_scripts.track_faces import track_clip

REPEATS = 3
MOST_CLIPS = 16


def bare_loop(paths: list[str], mesh) -> int:
    """What one would write by hand: every frame by decord through MediaPipe's face mesh; number of frames."""
    import decord

    count = 0
    for path in paths:
        mesh.reset()
        for frame in decord.VideoReader(path, num_threads=1):
            mesh.process(frame.asnumpy())
            count += 1
    return count


def main(given) -> None:
    import mediapipe

    cv2.setNumThreads(1)
    track = build(TrackSettings, given.settings["track"], "track")
    align = build(AlignSettings, given.settings["align"], "align")
    crop = build(CropSettings, given.settings["crop"], "crop")
    clips = [item for path in given.source for item in read_manifest(path).ok().items()][:MOST_CLIPS]
    paths = [facts["path"] for _, facts in clips]
    mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=track.max_faces, refine_landmarks=True)
    detector = open_detector(track.backend, track.max_faces)

    def ours() -> int:
        frames = 0
        for name, facts in clips:
            columns, found = track_clip(facts, detector, track)
            aligned, _ = align_clip(columns, found, align)
            list(members_of(name, crop_clip(Path(facts["path"]), aligned, crop), crop))
            frames += found["frames"]
        return frames

    ways = {"bare decord and mediapipe": lambda: bare_loop(paths, mesh), "track, align, crop, encode": ours}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    frames = 0
    for repeat in range(REPEATS + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            frames = way()
            if repeat:  # the first round warms up
                rates[name].append(round(frames / (time.perf_counter() - started), 2))
    bare, full = (statistics.median(rates[name]) for name in ways)
    write_json(
        given.output,
        {
            "command": "snakemake --cores 2 results/benchmarks/preparation.json",
            "machine": machine_facts(),
            "clips": len(clips),
            "frames": frames,
            "frames_per_second": rates,
            "ratio_of_medians": round(full / bare, 3),
            "goal": 0.8,
        },
    )


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--source", nargs="+", required=True)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--output", required=True)
    run("workflow_scripts.benchmark_preparation", arguments, main)
