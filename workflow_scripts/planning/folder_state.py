"""State of a work folder, from the files in it: jobs and clips of each stage, trainings, failed jobs, time left."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dheads_model.corpora.registry import DATASETS
from dheads_model.method_kinds import WITHOUT_VIDEOS
from dheads_model.training.log import read_log
from workflow_scripts.planning.failures import failures
from workflow_scripts.planning.folder_lock import holders
from workflow_scripts.planning.plan import WorkPlan
from workflow_scripts.planning.run_record import RunRecord, read_record
from workflow_scripts.planning.stage_lines import duration
from workflow_scripts.planning.time_need import benchmarks_of, time_need

_STAGES = {
    "track": "track_faces",
    "align": "align_faces",
    "crop": "crop_faces",
    "landmark": "place_landmarks",
    "audio": "extract_audio",
}
_MADE_BY = {"model": "sample_videos", "videos": "adopt_videos"}


@dataclass(frozen=True)
class StageState:
    """Jobs of one rule: done of planned, their clips by status (none where a stage counts no clips), seconds spent."""

    name: str
    rule: str
    done: int
    planned: int
    clips: dict[str, int]
    seconds: float

    @property
    def left(self) -> int:
        """Jobs that are not done."""
        return self.planned - self.done


def stages_of(plan: WorkPlan, work: Path) -> list[StageState]:
    """State of every stage of the preparation and of the evaluation."""
    states = []
    for dataset, shards in plan.shards.items():
        base = work / "resources" / dataset
        rules = {"source": DATASETS[dataset].source.rule} | _STAGES
        for stage, rule in rules.items():
            states.append(
                _state(f"{dataset} {stage}", rule, [base / stage / f"{number}.json" for number in shards], work)
            )
        packed = [base / "shards" / shard.split / f"{number}.json" for number, shard in shards.items()]
        states.append(_state(f"{dataset} shards", "pack_shards", packed, work))
        for name in plan.methods():
            kind = plan.config["methods"][name]["kind"]
            made_by = {"videos": _MADE_BY.get(kind, "copy_reference"), "metrics": "measure_videos"}
            if kind in WITHOUT_VIDEOS:
                made_by = {"metrics": "measure_linear_regression"}
            for folder, rule in made_by.items():
                names = _sampling_jobs(plan, dataset) if rule == "sample_videos" else plan.evaluated(dataset)
                paths = [work / "results" / folder / name / dataset / f"{path}.json" for path in names]
                states.append(_state(f"{name} {folder}", rule, paths, work, f"{name}/{dataset}/"))
    return states


def _sampling_jobs(plan: WorkPlan, dataset: str) -> list[str]:
    """Paths of the manifests of a method's sampling jobs below its folder of videos, without .json."""
    return [
        f"parts/{number}.{part}" for number in plan.evaluated(dataset) for part in plan.sampling_parts(dataset, number)
    ]


def _state(name: str, rule: str, manifests: Iterable[Path], work: Path, below: str = "") -> StageState:
    paths = list(manifests)
    counts: dict[str, int] = {}
    done = 0
    for path in paths:
        if path.is_file():
            done += 1
            for status, count in json.loads(path.read_text(encoding="utf-8")).get("counts", {}).items():
                counts[status] = counts.get(status, 0) + count
    seconds = sum(float(entry["s"]) for entry in benchmarks_of(work, rule, below))
    return StageState(name, rule, done, len(paths), counts, seconds)


@dataclass(frozen=True)
class TrainingState:
    """A run: images seen of all, images a second (None before the first line of its log), finished or not."""

    run: str
    images: int
    total: int
    rate: float | None
    finished: bool

    @property
    def seconds_left(self) -> float | None:
        """At its last rate; None where there is none yet."""
        if self.finished:
            return 0.0
        return (self.total - self.images) / self.rate if self.rate else None


def trainings_of(plan: WorkPlan, work: Path) -> list[TrainingState]:
    """State of every run that is trained here; the newest state folder counts."""
    found = []
    for run in plan.trained_runs():
        total = plan.config["runs"][run]["training"]["images"]
        finished = (work / f"results/runs/{run}/model.safetensors").is_file()
        logs = sorted((work / "state" / run).glob("*/training.jsonl"), key=lambda path: path.stat().st_mtime)
        entries = read_log(logs[-1]) if logs else []
        last = entries[-1] if entries else {}
        found.append(TrainingState(run, last.get("images", 0), total, last.get("images_per_second"), finished))
    return found


def seconds_left(
    record: RunRecord, stages: Sequence[StageState], trainings: Sequence[TrainingState], work: Path
) -> float:
    """Estimate for what is not done, with the cores of the last run."""
    left: dict[str, int] = {}
    for state in stages:
        left[state.rule] = left.get(state.rule, 0) + state.left
    seconds = time_need(
        {rule: count for rule, count in left.items() if count}, record.plan, record.at_once, work
    ).seconds
    for training in trainings:
        own = training.seconds_left
        if own is None:
            own = time_need({"train_model": 1}, record.plan, record.at_once, work).seconds
        seconds += own
    return seconds


def report(work: Path) -> str:
    """The whole page as text. Raises UserError where no run was started."""
    record = read_record(work)
    stages, trainings = stages_of(record.plan, work), trainings_of(record.plan, work)
    running = ", ".join(holders(work))
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.started))
    lines = [
        f"{work.resolve()}: {f'running ({running})' if running else 'nothing runs'}; last start {when}",
        "",
        f"{'stage':<28} {'rule':<18} {'jobs':>13} {'kept':>8} {'filtered':>8} {'failed':>7} {'hours':>7}",
    ]
    for state in stages:
        clips = [state.clips.get(status, "") for status in ("ok", "filtered", "failed")]
        lines.append(
            f"{state.name:<28} {state.rule:<18} {f'{state.done} of {state.planned}':>13} {clips[0]:>8} {clips[1]:>8} "
            f"{clips[2]:>7} {state.seconds / 3600:>7.3f}"
        )
    for training in trainings:
        if training.finished:
            text = "finished"
        else:
            left = f", about {duration(training.seconds_left)} left" if training.rate else ""
            text = f"{training.images:,} of {training.total:,} images ({training.images / training.total:.0%}){left}"
        lines.append(f"training {training.run}: {text}")
    lines += _failed(work, running)
    todo = sum(state.left for state in stages) + sum(not training.finished for training in trainings)
    if todo:
        seconds = seconds_left(record, stages, trainings, work)
        lines.append(f"left: {todo} jobs, about {duration(seconds)} {record.place}")
    else:
        lines.append("left: nothing")
    return "\n".join(lines)


def _failed(work: Path, running: str) -> list[str]:
    logs = sorted((work / ".snakemake/log").glob("*.snakemake.log"))
    found = failures(logs[-1].read_text(encoding="utf-8", errors="replace"), work) if logs else []
    lines = [f"failed in {'this' if running else 'the last'} run: {len(found)} jobs"] if found else []
    return lines + [f"  {failure.rule} ({failure.log}): {failure.sentence}" for failure in found]
