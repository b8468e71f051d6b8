"""Measure the whole preparation as a workflow: clips per second by cores and shard size, time per stage, peak memory."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from dheads_model.corpora.crema_d import read_objects
from dheads_model.errors import UserError
from dheads_model.faces.face_alignment_network import DETECTOR_WEIGHTS, LANDMARK_WEIGHTS
from dheads_model.files import write_json, write_text
from dheads_model.manifest import read_manifest
from dheads_model.shards.index import read_index
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.command import command_parser, run_command

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("adopt_clips", "track_faces", "align_faces", "crop_faces", "place_landmarks", "extract_audio", "pack_shards")
SHARD_SIZES = (32, 128, 512)
CORES = (1, 2)
# Of any job of the preparation, whatever the size of a shard.
GOAL_MEGABYTES = 1500


def main(arguments) -> None:
    sources = [facts["path"] for path in arguments.source for facts in read_manifest(path).ok().values()]
    if not sources:
        raise UserError(
            f"{arguments.source[0]} holds no clip that could be prepared; look at results/data_card.md for why."
        )
    rows, missing = [], {}
    for back_end in ("mediapipe", "face-alignment"):
        if back_end == "face-alignment" and not _has_weights(Path(arguments.weights_folder)):
            missing[back_end] = f"its weights are not in {arguments.weights_folder}"
            continue
        for size in arguments.shard_sizes:
            for cores in arguments.cores:
                rows.append(
                    measure_case(sources, back_end, size, cores, arguments.settings, Path(arguments.weights_folder))
                )
                print(json.dumps(rows[-1]), file=sys.stderr)
    videos = sum(path.endswith(".flv") for path in read_objects(ROOT / "config/crema_d"))
    result = {
        "command": "snakemake --cores 2 results/benchmarks/throughput.json",
        "machine": machine_facts(),
        "rows": rows,
        "not_measured": missing,
        "goal_megabytes": GOAL_MEGABYTES,
        "crema_d_clips": videos,
        "crema_d": [estimate(row, videos) for row in rows],
    }
    write_json(arguments.output, result)
    write_text(Path(arguments.output).with_suffix(".md"), to_markdown(result))
    print("\n".join(result["crema_d"]), file=sys.stderr)


def measure_case(sources: list[str], back_end: str, size: int, cores: int, config: dict, weights: Path) -> dict:
    """Prepare a folder of `cores` shards of `size` clips by Snakemake on as many cores; the sources repeat as needed."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        work = Path(folder).resolve()
        lay_out_clips(work / "clips", sources, size * cores)
        if weights.is_dir():
            (work / "resources").mkdir()
            (work / "resources/weights").symlink_to(weights.resolve())
        overlay = config | {
            "clips": str(work / "clips"),
            "track": config["track"] | {"backend": back_end},
            "sharding": {"clips_per_shard": size},
            "folder": {"table": "table.csv", "validation_fraction": 0.0, "test_fraction": 0.0},
        }
        (work / "overlay.json").write_text(json.dumps(overlay), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--quiet", "all",
                   "--directory", str(work), "--cores", str(cores),
                   "--configfile", str(ROOT / "config/folder.yaml"), str(work / "overlay.json"),
                   "--", "resources/folder/index.json"]  # fmt: skip
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode:
            raise UserError(f"the preparation to be measured failed: {done.stderr.strip()[-1500:]}")
        index = read_index(work / "resources/folder/index.json")
        stages = read_job_benchmarks(work / "benchmarks")
        clips, frames = (index.count("train", what) for what in ("clips", "frames"))
    return {
        "back_end": back_end,
        "clips_per_shard": size,
        "cores": cores,
        "clips": clips,
        "frames": frames,
        "seconds": round(seconds, 1),
        "clips_per_second": round(clips / seconds, 3),
        "frames_per_second": round(frames / seconds, 2),
        "cpu_seconds_by_stage": {stage: round(cost[0], 1) for stage, cost in stages.items()},
        "peak_megabytes_by_stage": {stage: round(cost[1]) for stage, cost in stages.items()},
    }


def lay_out_clips(folder: Path, sources: list[str], count: int) -> None:
    """Make a folder of `count` training clips, copies of the sources in turns, and their table."""
    folder.mkdir(parents=True)
    lines = ["clip,speaker,split,transcript"]
    for number in range(count):
        source = Path(sources[number % len(sources)])
        name = f"{number:05d}{source.suffix}"
        shutil.copyfile(source, folder / name)
        lines.append(f"{name},speaker{number % len(sources):05d},train,")
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_job_benchmarks(folder: Path) -> dict[str, tuple[float, float]]:
    """{stage: (processor seconds of all its jobs, peak MB of one)} of what Snakemake wrote; a stage without jobs is 0."""
    seconds, peaks = defaultdict(float), defaultdict(float)
    for path in sorted(folder.rglob("*.jsonl")):
        stage = path.relative_to(folder).parts[0].removesuffix(".jsonl")
        for line in path.read_text(encoding="utf-8").splitlines():
            job = json.loads(line)
            # Very short jobs end before Snakemake's first measurement.
            seconds[stage] += job["cpu_time"] or 0.0
            peaks[stage] = max(peaks[stage], (job["max_rss"] or 0.0) * 2**20 / 1e6)
    return {stage: (seconds[stage], peaks[stage]) for stage in STAGES}


def estimate(row: dict, clips: int) -> str:
    """One sentence: how long a number of clips takes at the rate of a measured row."""
    hours = clips / row["clips_per_second"] / 3600
    return (
        f"CREMA-D ({clips:,} clips) will take about {hours:.1f} hours on {row['cores']} cores "
        f"({row['back_end']}, {row['clips_per_shard']} clips a shard)."
    )


def to_markdown(result: dict) -> str:
    """The rows as a table: a line a case, with the fraction of each stage and the highest memory of a job."""
    lines = [
        "| landmarks | clips a shard | cores | clips/s | frames/s | CREMA-D, hours | track | crop | other stages "
        "| starting and waiting | peak of a job, MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        spent, total = row["cpu_seconds_by_stage"], row["seconds"] * row["cores"]
        other = sum(spent.values()) - spent["track_faces"] - spent["crop_faces"]
        shares = [spent["track_faces"], spent["crop_faces"], other, max(total - sum(spent.values()), 0)]
        lines.append(
            f"| {row['back_end']} | {row['clips_per_shard']} | {row['cores']} | {row['clips_per_second']:.2f} "
            f"| {row['frames_per_second']:.1f} | {result['crema_d_clips'] / row['clips_per_second'] / 3600:.1f} | "
            + " | ".join(f"{share / total:.0%}" for share in shares)
            + f" | {max(row['peak_megabytes_by_stage'].values())} |"
        )
    lines += ["", *(f"{name} was not measured: {why}." for name, why in result["not_measured"].items())]
    return "\n".join(lines).rstrip() + "\n"


def _has_weights(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (LANDMARK_WEIGHTS, DETECTOR_WEIGHTS))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--source", nargs="+", required=True, help="source manifests of the clips to prepare")
    parser.add_argument("--weights-folder", required=True)
    parser.add_argument("--shard-sizes", type=int, nargs="+", default=SHARD_SIZES)
    parser.add_argument("--cores", type=int, nargs="+", default=CORES)
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.benchmarks.throughput", parser, main)
