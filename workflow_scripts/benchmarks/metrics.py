"""Measure clips per second of every metric without downloaded weights, and extrapolate to CREMA-D's test split."""

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from dheads_model.errors import UserError
from dheads_model.faces.redetect import detect_in_crops
from dheads_model.faces.track import fill_gaps
from dheads_model.files import write_json, write_text
from dheads_model.media.clock import FRAMES_PER_SECOND, SAMPLES_PER_FRAME
from dheads_model.media.encode import write_video
from dheads_model.media.video import decode_video
from dheads_model.metrics.clip_metric import MeasuredClip
from dheads_model.metrics.phones import SpokenPhones
from dheads_model.metrics.registry import CLIP_METRICS
from dheads_model.metrics.set_distance import load_distance
from dheads_model.network.threads import one_thread
from dheads_model.shards.reader import read_shard
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.command import command_parser, run_command

# CREMA-D's test split in the paper, and the mean length of its clips.
TEST_CLIPS, SECONDS = 820, 2.5
GOAL_MINUTES = 30
CORES = (1, 2)
DISTANCE = "effnet_lite0"
DECODE, DETECT = "decode the video", "detect landmarks"
# Metrics whose weights come in a package that may be absent.
_PACKAGES = {"identity": "dlib", "published_blinks": "dlib"}
_PHONES = SpokenPhones(((0.4, 0.6, "P"), (0.6, 1.6, "AA")))
Clip = tuple[str, np.ndarray, np.ndarray, np.ndarray]  # path of the video, true frames and landmarks, audio


def measured_metrics() -> dict[str, Callable[[MeasuredClip], list]]:
    """Every metric of a clip that needs no downloaded weights and whose package is installed."""
    return {
        name: metric.measure
        for name, metric in CLIP_METRICS.items()
        if metric.measure and not metric.weights and (name not in _PACKAGES or find_spec(_PACKAGES[name]))
    }


def clips_of_length(shards: Sequence[str], count: int, frames: int, folder: Path) -> list[Clip]:
    """Up to `count` clips of packed shards, each cut or played backwards and forwards again to `frames` frames, their videos
    written to a folder as those of a method are. Raises UserError without clips."""
    clips = []
    for clip in islice((clip for shard in shards for clip in read_shard(shard)), count):
        back_and_forth = np.concatenate([np.arange(len(clip.frames)), np.arange(len(clip.frames))[-2:0:-1]])
        chosen = np.resize(back_and_forth, frames)
        true, audio = clip.frames[chosen], np.resize(clip.audio, frames * SAMPLES_PER_FRAME)
        path = folder / f"{clip.clip}.mp4"
        write_video(path, true, audio)
        clips.append((str(path), true, clip.landmarks[chosen], audio))
    if not clips:
        raise UserError("the test split has no clip to measure; results/data_card.md has the reasons.")
    return clips


def seconds_by_step(clips: Sequence[Clip], settings: Mapping) -> dict[str, float]:
    """Seconds of processor time for all clips of each step: decoding, landmarks, every metric, features of the distance."""
    seconds: dict[str, float] = defaultdict(float)
    features = load_distance(DISTANCE).open("", {})

    def timed(step: str, work: Callable):
        started = time.process_time()
        found = work()
        seconds[step] += time.process_time() - started
        return found

    for path, true, truth, audio in clips:
        frames = timed(DECODE, lambda path=path: decode_video(path))
        marks, seen = timed(
            DETECT,
            lambda frames=frames: detect_in_crops(
                frames, settings["backend"], settings["weights_folder"], settings["precision"]
            ),
        )
        filled = fill_gaps(marks[seen], seen) if seen.any() else truth
        clip = MeasuredClip(frames, true, audio, filled, truth, settings["weights_folder"], phones=_PHONES)
        for name, measure in measured_metrics().items():
            timed(name, lambda measure=measure, clip=clip: measure(clip))
        with one_thread():
            timed(f"features of {DISTANCE}", lambda frames=frames: features(frames))
    return dict(seconds)


def share_of(clips: Sequence[Clip], settings: Mapping, ready, results) -> None:
    """What one process of several does: warm up, wait for the others, measure its clips; puts (begin, end, processor seconds)."""
    cv2.setNumThreads(1)
    seconds_by_step(clips[:1], settings)
    ready.wait()
    begin = time.time()
    spent = sum(seconds_by_step(clips, settings).values())
    results.put((begin, time.time(), spent))


def rate_on(cores: int, clips: Sequence[Clip], settings: Mapping) -> dict:
    """Clips per second, and seconds of processor time a clip, with the clips shared by as many processes."""
    context = get_context("spawn")
    ready, results = context.Barrier(cores), context.Queue()
    processes = [
        context.Process(target=share_of, args=(clips[number::cores], settings, ready, results))
        for number in range(cores)
    ]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    begins, ends, spent = zip(*found, strict=True)
    return {
        "cores": cores,
        "clips_per_second": round(len(clips) / (max(ends) - min(begins)), 3),
        "processor_seconds_per_clip": round(sum(spent) / len(clips), 3),
    }


def extrapolated(rows: Sequence[Mapping]) -> dict[str, float]:
    """Minutes for the test split of CREMA-D by cores, from the processor time: as if nothing else ran on them."""
    return {
        str(row["cores"]): round(TEST_CLIPS * row["processor_seconds_per_clip"] / row["cores"] / 60, 1) for row in rows
    }


def to_markdown(result: Mapping) -> str:
    """The result for people."""
    lines = [
        f"# Speed of the metrics ({result['clips']} clips of {result['seconds']} s, {result['pixels']} pixels)", "",
        "| step | processor time a clip, s | clips/s of a core |", "|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {step} | {seconds:.3f} | {1 / seconds:.1f} |" if seconds >= 0.0005 else f"| {step} | {seconds:.3f} | – |"
        for step, seconds in result["processor_seconds_per_clip"].items()
    ]
    lines += [
        "",
        "| cores | clips/s | processor time a clip, s | extrapolated to 820 clips, minutes |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row['cores']} | {row['clips_per_second']:.2f} | {row['processor_seconds_per_clip']:.2f} | "
        f"{result['extrapolated_minutes'][str(row['cores'])]:.1f} |"
        for row in result["rows"]
    ]
    load = ", ".join(f"{value:.1f}" for value in result["load_average"])
    lines += [
        "",
        f"Load average of the machine before (1, 5, 15 minutes): {load}. Extrapolated from the processor time.",
        "",
    ]
    return "\n".join(lines)


def main(arguments) -> None:
    cv2.setNumThreads(1)
    load, frames = os.getloadavg(), round(SECONDS * FRAMES_PER_SECOND)
    settings = arguments.settings | {"weights_folder": arguments.weights_folder}
    with tempfile.TemporaryDirectory() as folder:
        clips = clips_of_length(arguments.shards, arguments.clips, frames, Path(folder))
        seconds_by_step(clips[:1], settings)
        steps = {step: round(spent / len(clips), 4) for step, spent in seconds_by_step(clips, settings).items()}
        rows = [rate_on(cores, clips, settings) for cores in CORES if cores <= len(clips)]
    result = {
        "command": "snakemake --cores 2 results/benchmarks/metrics.json",
        "machine": machine_facts(),
        "load_average": [round(value, 2) for value in load],
        "clips": len(clips),
        "seconds": frames / FRAMES_PER_SECOND,
        "pixels": int(clips[0][1].shape[1]),
        "processor_seconds_per_clip": dict(sorted(steps.items(), key=lambda item: -item[1])),
        "rows": rows,
        "left_out": sorted(name for name in _PACKAGES if name not in measured_metrics()),
        "extrapolated_minutes": extrapolated(rows),
        "extrapolated_to_clips": TEST_CLIPS,
        "goal_minutes_on_two_cores": GOAL_MINUTES,
    }
    write_json(arguments.output, result)
    write_text(Path(arguments.output).with_suffix(".md"), to_markdown(result))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--shards", nargs="+", required=True, help="manifests of packed test shards")
    parser.add_argument("--weights-folder", default="resources/weights")
    parser.add_argument("--clips", type=int, default=40, help="most clips that are measured")
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.benchmarks.metrics", parser, main)
