"""Measure training windows a second from the loader, clips in memory and streamed, against what the trainer consumed."""

import statistics
import time
from itertools import islice

from dheads_model.files import write_json
from dheads_model.shards.index import read_index
from dheads_model.shards.loader import LoadedClip, load_split
from dheads_model.shards.stream import ClipStream, training_batches
from dheads_model.training.log import read_log
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.command import command_parser, run_command

REPEATS = 5
BATCH_SIZE, IMAGE_SIZE = 32, 64
STEPS = 100  # of a repeat from memory
LEAST_STREAMED_STEPS = 20
STREAMED_SHARE = 0.25  # of the frames in a block, as where the data are four times what is held
# Times the trainer's need: the first for clips in memory, the other for a stream, which decodes in the meantime.
GOALS = {"memory": 5, "stream": 3}


def main(arguments) -> None:
    started = time.perf_counter()
    clips = load_split(arguments.index, "train", IMAGE_SIZE)
    loading = time.perf_counter() - started
    index = read_index(arguments.index)
    frames = index.count("train", "frames")
    passes = arguments.settings["stream_passes"]
    stream = ClipStream(index, "train", IMAGE_SIZE, int(STREAMED_SHARE * frames), passes, arguments.workers)
    # One pass, so that every clip is decoded once in each repeat.
    streamed_steps = max(frames // passes // BATCH_SIZE, LEAST_STREAMED_STEPS)
    rates = {"memory": windows_per_second(clips, STEPS), "stream": windows_per_second(stream, streamed_steps)}
    trainer = [entry["images_per_second"] for path in arguments.training_log for entry in read_log(path)]
    result = {
        "command": "snakemake --cores 2 results/benchmarks/loader.json",
        "machine": machine_facts(),
        "clips": len(clips),
        "frames": frames,
        "load_seconds": round(loading, 2),
        "load_frames_per_second": round(frames / loading, 1),
        "stream_passes": passes,
        "stream_workers": arguments.workers,
        "windows_per_second": rates,
        "goals": GOALS,
    }
    if trainer:
        need = statistics.median(trainer)
        result["trainer_images_per_second"] = need
        result["ratios_of_medians"] = {mode: round(statistics.median(found) / need, 1) for mode, found in rates.items()}
    write_json(arguments.output, result)


def windows_per_second(clips: list[LoadedClip] | ClipStream, steps: int) -> list[float]:
    """Rates of REPEATS rounds of `steps` steps; the first batch, for which a stream fills its buffer, is not timed."""
    batches = training_batches(clips, BATCH_SIZE, 1, 0)
    next(batches)
    rates = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        for _ in islice(batches, steps):
            pass
        rates.append(round(BATCH_SIZE * steps / (time.perf_counter() - started), 1))
    return rates


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--index", required=True)
    parser.add_argument("--training-log", nargs="*", default=[])
    parser.add_argument("--workers", type=int, default=1, help="processes that decode the stream")
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.benchmarks.loader", parser, main)
