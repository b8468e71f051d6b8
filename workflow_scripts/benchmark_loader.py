"""Measure training windows a second from the loader against what the trainer consumed in its log."""

import statistics
import time

from dheads_model.files import write_json
from dheads_model.shards.loader import load_split, sample_batch
from dheads_model.training.log import read_log
from workflow_scripts.command import parser, run
from workflow_scripts.machine import machine_facts

REPEATS = 5
BATCH_SIZE, STEPS, IMAGE_SIZE = 32, 100, 64


def main(given) -> None:
    started = time.perf_counter()
    clips = load_split(given.index, "train", IMAGE_SIZE)
    loading = time.perf_counter() - started
    rates = []
    for repeat in range(REPEATS):
        started = time.perf_counter()
        for step in range(STEPS):
            sample_batch(clips, BATCH_SIZE, repeat, step)
        rates.append(round(BATCH_SIZE * STEPS / (time.perf_counter() - started), 1))
    trainer = [entry["images_per_second"] for path in given.training_log for entry in read_log(path)]
    result = {
        "command": "snakemake --cores 2 results/benchmarks/loader.json",
        "machine": machine_facts(),
        "clips": len(clips),
        "frames": sum(len(clip.frames) for clip in clips),
        "load_seconds": round(loading, 2),
        "load_frames_per_second": round(sum(len(clip.frames) for clip in clips) / loading, 1),
        "windows_per_second": rates,
        "goal": 5,
    }
    if trainer:
        result["trainer_images_per_second"] = statistics.median(trainer)
        result["ratio_of_medians"] = round(statistics.median(rates) / statistics.median(trainer), 1)
    write_json(given.output, result)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--index", required=True)
    arguments.add_argument("--training-log", nargs="*", default=[])
    arguments.add_argument("--output", required=True)
    run("workflow_scripts.benchmark_loader", arguments, main)
