"""What the last started run planned, kept for `python -m workflow_scripts.status`, which then needs no config and no corpus."""

import dataclasses
import json
import time
from pathlib import Path

from dheads_model.corpora.plan import ShardOutline
from dheads_model.errors import UserError
from dheads_model.files import write_json
from workflow_scripts.planning.plan import WorkPlan

RECORD = ".snakemake/dheads_run.json"


def write_record(work: Path | str, plan: WorkPlan, at_once: int, place: str) -> None:
    """Keep the plan of a run that starts. at_once: jobs or cores that work at once. place: the same in words."""
    shards = {
        dataset: [[shard.shard, shard.split, shard.clips] for shard in found.values()]
        for dataset, found in plan.shards.items()
    }
    about = {"started": time.time(), "at_once": at_once, "place": place, "config": plan.config, "shards": shards}
    write_json(Path(work, RECORD), about | {"absent": plan.absent})


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """A run that was started. started: seconds of the epoch. plan: its shards have no sizes and no memberships."""

    started: float
    at_once: int
    place: str
    plan: WorkPlan


def read_record(work: Path | str) -> RunRecord:
    """The last started run of a folder. Raises UserError where none was."""
    path = Path(work, RECORD)
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        shards = {
            dataset: {number: ShardOutline(number, split, clips, 0, "") for number, split, clips in found}
            for dataset, found in about["shards"].items()
        }
        plan = WorkPlan(about["config"], shards, about["absent"])
        return RunRecord(about["started"], about["at_once"], about["place"], plan)
    except FileNotFoundError as problem:
        raise UserError(
            f"no run was started in {Path(work).resolve()}; start one with snakemake, or name its folder with --directory."
        ) from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path} is not the record of a run ({problem}); start the run again.") from problem
