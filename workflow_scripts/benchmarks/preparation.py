"""Measure track, align, crop and encode against a bare loop of decord and MediaPipe on the same clips."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from dheads_model.config import build
from dheads_model.errors import ClipFailed, ClipFiltered, UserError
from dheads_model.faces.align_settings import AlignSettings
from dheads_model.faces.crop_settings import CropSettings
from dheads_model.faces.detect import open_detector
from dheads_model.faces.track_settings import TrackSettings
from dheads_model.files import write_json
from dheads_model.manifest import read_manifest
from dheads_model.stages.align import align_clip
from dheads_model.stages.crop import crop_clip, members_of
from dheads_model.stages.track import track_clip
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.command import command_parser, run_command

ROUNDS = 5
MOST_CLIPS = 16
BARE, OURS = "bare decord and mediapipe", "track, align, crop, encode"
Clips = list[tuple[str, dict]]
Way = Callable[[str, dict], int]  # name and facts of a clip -> how many of its frames were seen
log = logging.getLogger(__name__)


def bare_loop(path: str, mesh) -> int:
    """A plain loop: every frame by decord through MediaPipe's face mesh; number of frames.

    Raises ClipFailed("unreadable") for what decord does not read.
    """
    import decord

    count = 0
    mesh.reset()
    try:
        for frame in decord.VideoReader(path, num_threads=1):
            mesh.process(frame.asnumpy())
            count += 1
    except (RuntimeError, decord.DECORDError) as problem:
        raise ClipFailed("unreadable", f"decord stops: {problem}".splitlines()[0]) from problem
    return count


def comparable(ways: dict[str, Way], clips: Clips) -> tuple[Clips, dict[str, int]]:
    """Clips that every way takes, seeing as many frames, and {clip: frames}; it warms the ways up.

    A clip that is rejected costs less than one that is prepared. Raises UserError when none is left.
    """
    frames = {}
    for name, facts in clips:
        try:
            counts = {way(name, facts) for way in ways.values()}
        except (ClipFiltered, ClipFailed) as rejection:
            log.warning("clip %s left out: %s", name, rejection)
            continue
        if len(counts) == 1:
            frames[name] = counts.pop()
        else:
            log.warning("clip %s left out: the ways see %s frames", name, sorted(counts))
    if not frames:
        raise UserError("No clip can be prepared, so there is nothing to compare; give a data set with usable clips.")
    return [(name, facts) for name, facts in clips if name in frames], frames


def seconds_of(ways: dict[str, Way], clips: Clips, rounds: int) -> list[dict[str, np.ndarray]]:
    """For each round {way: (seconds that passed, seconds of processor time) for all clips}.

    The ways take turns clip by clip, and who begins changes from clip to clip and from round to round: other work on
    the machine, or a file that is still in its memory, then favours none.
    """
    rows = []
    for number in range(rounds):
        row = {way: np.zeros(2) for way in ways}
        for place, (name, facts) in enumerate(clips):
            for way in list(ways) if (number + place) % 2 else reversed(ways):
                started = time.perf_counter(), time.process_time()
                ways[way](name, facts)
                row[way] += np.subtract((time.perf_counter(), time.process_time()), started)
        rows.append(row)
    return rows


def main(arguments) -> None:
    import mediapipe

    cv2.setNumThreads(1)
    track = build(TrackSettings, arguments.settings["track"], "track")
    align = build(AlignSettings, arguments.settings["align"], "align")
    crop = build(CropSettings, arguments.settings["crop"], "crop")
    clips = [item for path in arguments.source for item in read_manifest(path).ok().items()][:MOST_CLIPS]
    mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=track.max_faces, refine_landmarks=True)
    detector = open_detector(track.backend, track.max_faces)

    def bare(name: str, facts: dict) -> int:
        return bare_loop(facts["path"], mesh)

    def ours(name: str, facts: dict) -> int:
        columns, found = track_clip(facts, detector, track)
        aligned, about = align_clip(columns, found, align)
        list(members_of(name, crop_clip(Path(facts["path"]), aligned, about, crop), crop))
        return found["frames"]

    ways = {BARE: bare, OURS: ours}
    used, counts = comparable(ways, clips)
    rows, frames = seconds_of(ways, used, ROUNDS), sum(counts.values())
    # Processor time, the second column, is less disturbed by other processes.
    ratios = np.array([row[BARE] / row[OURS] for row in rows])
    write_json(
        arguments.output,
        {
            "command": "snakemake --cores 2 results/benchmarks/preparation.json",
            "machine": machine_facts(),
            "clips": len(used),
            "clips_left_out": len(clips) - len(used),
            "frames": frames,
            "frames_per_second": {way: [round(frames / row[way][0], 2) for row in rows] for way in ways},
            "ratios": ratios[:, 0].round(3).tolist(),
            "median_ratio": round(float(np.median(ratios[:, 0])), 3),
            "ratios_of_processor_time": ratios[:, 1].round(3).tolist(),
            "median_ratio_of_processor_time": round(float(np.median(ratios[:, 1])), 3),
            "goal": 0.8,
        },
    )


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--source", nargs="+", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.benchmarks.preparation", parser, main)
