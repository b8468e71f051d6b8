"""Time that a run needs, estimated before it starts. Standard library only: the Snakefile calls this."""

import json
import statistics
from pathlib import Path
from typing import NamedTuple

from dheads_model.configuration import default_config
from dheads_model.corpora.registry import DATASETS
from workflow_scripts.planning.plan import WorkPlan
from workflow_scripts.planning.stage_lines import duration

# (seconds of a job, more for each frame of its clips): measured on one core of an AMD EPYC with shards of 1 and of 16
# embedded clips. What a host or another disk decides (downloads, adopted clips) is not here.
_MEASURED = {
    "synthesise_clips": (1.1, 0.0101),
    "track_faces": (1.1, 0.0066),
    "align_faces": (0.6, 0.0),
    "crop_faces": (0.7, 0.0012),
    "place_landmarks": (0.6, 0.0),
    "extract_audio": (0.5, 0.0001),
    "pack_shards": (0.7, 0.0003),
    "measure_quality": (1.0, 0.002),
    "copy_reference": (0.5, 0.001),
    "measure_videos": (2.4, 0.02),
    "measure_linear_regression": (1.0, 0.001),
    "fit_linear_regression": (2.0, 0.0),
    # Roughly: with one clip only.
    "extract_features": (4.0, 0.02),
    "measure_distances": (2.0, 0.0),
}
_OF_TEST_SHARDS = ("measure_videos", "measure_linear_regression", "copy_reference", "extract_features")
# Jobs that write tables and pictures.
_SHORT = 1.5
# Of the default config's network on two cores: images a second of a training, frames a second of its sampling.
_TRAINED, _SAMPLED = 42, 86
# Where the length of clips is not known before they are opened: four seconds.
_FRAMES_A_CLIP = 100


class TimeNeed(NamedTuple):
    """Estimated seconds of a run, and why jobs are not in it."""

    seconds: float
    unknown: tuple[str, ...]


def time_need(stats: dict[str, int], plan: WorkPlan, cores: int, work: Path | str) -> TimeNeed:
    """Estimate for the planned jobs: {rule: their number}. cores: that work at once.

    A rule's finished jobs in this folder (their benchmark files) count before the measured constants.
    """
    seconds, unknown = 0.0, []
    for rule, count in stats.items():
        if rule == "train_model":
            known = [_training(run, plan.config) for run in plan.trained_runs()][:count]
            seconds += sum(found for found in known if found is not None)
            unknown += [
                f"training {run}" for run, found in zip(plan.trained_runs(), known, strict=False) if found is None
            ]
        elif rule not in ("total", "all"):
            found = mean_seconds(work, rule)
            if found is None:
                found = _constant(rule, plan)
            if found is None:
                unknown.append(f"{rule} ({count})")
            else:
                seconds += count * found * (1.0 if rule == "sample_videos" else 1.0 / cores)
    return TimeNeed(seconds, tuple(unknown))


def time_sentence(need: TimeNeed, place: str) -> str:
    """The estimate as one sentence. place: where or how many jobs work, as in `on 2 cores`."""
    text = f"about {duration(need.seconds)} {place}"
    return (
        f"{text}, without {', '.join(need.unknown)}: not known before the first one is done" if need.unknown else text
    )


def benchmark_files(work: Path | str, rule: str, below: str = "") -> list[Path]:
    """Snakemake's benchmark files of a rule's finished jobs. below: folder of those that are meant, with a slash."""
    folder = Path(work, "benchmarks")
    return [
        path for path in (folder / f"{rule}.jsonl", *sorted(folder.glob(f"{rule}/{below}**/*.jsonl"))) if path.is_file()
    ]


def benchmarks_of(work: Path | str, rule: str, below: str = "") -> list[dict]:
    """Entries of a rule's benchmark files: `s` seconds, `max_rss` MB, `mean_load` percent of a core, `cpu_time` seconds."""
    entries = []
    for path in benchmark_files(work, rule, below):
        lines = path.read_text(encoding="utf-8").splitlines()
        entries += [json.loads(line) for line in lines if line.strip()]
    return entries


def mean_seconds(work: Path | str, rule: str) -> float | None:
    """Mean time of a rule's finished jobs; None where there is none."""
    entries = benchmarks_of(work, rule)
    return statistics.fmean(float(entry["s"]) for entry in entries) if entries else None


def _constant(rule: str, plan: WorkPlan) -> float | None:
    if rule.startswith(("plot_", "draw_", "write_", "index_", "gather_")):
        return _SHORT
    if rule == "sample_videos":
        return _frames_a_sampling_job(plan) / _SAMPLED + 3 if _sampled_as_default(plan) else None
    splits = ("test",) if rule in _OF_TEST_SHARDS else ()
    frames = _frames_a_shard(plan, splits)
    if rule not in _MEASURED or (
        plan.config["track"]["backend"] != "mediapipe" and rule in ("track_faces", "measure_videos")
    ):
        return None
    fixed, a_frame = _MEASURED[rule]
    return fixed + a_frame * frames


def _frames_a_shard(plan: WorkPlan, splits: tuple[str, ...]) -> float:
    shards = [
        shard.clips * (DATASETS[dataset].frames_per_clip or _FRAMES_A_CLIP)
        for dataset, found in plan.shards.items()
        for shard in found.values()
        if not splits or shard.split in splits
    ]
    return statistics.fmean(shards) if shards else 0.0


def _frames_a_sampling_job(plan: WorkPlan) -> float:
    frames, jobs = 0, 0
    for dataset in plan.shards:
        for number, clips in plan.evaluated(dataset).items():
            frames += clips * (DATASETS[dataset].frames_per_clip or _FRAMES_A_CLIP)
            jobs += len(plan.sampling_parts(dataset, number))
    return frames / max(jobs, 1)


def _training(run: str, config: dict) -> float | None:
    block, default = config["runs"][run], default_config()["runs"]["ours"]
    if block["gpus"] or block["network"] != default["network"]:
        return None
    return block["training"]["images"] / _TRAINED


def _sampled_as_default(plan: WorkPlan) -> bool:
    default = default_config()
    methods = [plan.config["methods"][name] for name in plan.methods()]
    return all(
        not method["gpus"]
        and method["sampling"] == default["methods"]["ours"]["sampling"]
        and plan.config["runs"][method["run"]]["network"] == default["runs"]["ours"]["network"]
        for method in methods
        if method["kind"] == "model"
    )
