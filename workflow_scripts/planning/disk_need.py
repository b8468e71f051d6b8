"""Disk space that a run needs, printed and checked before it starts. Standard library only: the Snakefile calls this."""

import os
import shutil
from pathlib import Path

from dheads_model.corpora.plan import ShardOutline
from dheads_model.corpora.registry import DATASETS
from dheads_model.errors import UserError
from dheads_model.files import readable_size
from workflow_scripts.planning.plan import WorkPlan

# All stages and the shard, a frame at 128 x 128: measured 9 kB on the embedded corpus, whose frames compress well; PNG frames
# of real faces take about 30 kB, twice.
_BYTES_A_FRAME = {"video": 15_000, "frames": 70_000}

_WRITTEN = (".snakemake", "resources", "results", "state", "logs", "benchmarks")


def disk_need(plan: WorkPlan, work: Path | str) -> dict[str, int]:
    """Bytes that each dataset still has to write below `work`, downloads included; datasets of unknown length are left out."""
    needs = {}
    for dataset, shards in plan.shards.items():
        if DATASETS[dataset].frames_per_clip is not None:
            needs[dataset] = sum(_shard_need(dataset, shard, plan.config, Path(work)) for shard in shards.values())
    return needs


def check_disk(plan: WorkPlan, work: Path | str) -> str:
    """One sentence on the space that is needed, "" where nothing large is; raises UserError when the disk has less."""
    needs = {dataset: need for dataset, need in disk_need(plan, work).items() if need}
    if not needs:
        return ""
    free, total = shutil.disk_usage(work).free, sum(needs.values())
    parts = ", ".join(f"{dataset} {readable_size(need)}" for dataset, need in needs.items())
    if total > free:
        raise UserError(
            f"{Path(work).resolve()} has {readable_size(free)} free and the run needs about {readable_size(total)} "
            f"({parts}), {readable_size(total - free)} more: make room, or work on a larger disk with --directory."
        )
    return f"about {readable_size(total)} will be written ({parts}); {readable_size(free)} are free"


def check_writable(work: Path | str) -> None:
    """Raise UserError when the work directory, or a folder in it that the workflow writes to, cannot be written."""
    for folder in (Path(work), *(Path(work, name) for name in _WRITTEN)):
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(
                f"the folder {folder.resolve()} cannot be written: change its permissions, or give another work "
                "directory with --directory."
            )


def _shard_need(dataset: str, shard: ShardOutline, config: dict, work: Path) -> int:
    base = work / "resources" / dataset
    if (base / "shards" / shard.split / f"{shard.shard}.json").exists():
        return 0
    about = DATASETS[dataset]
    scale = (config["crop"]["size"] / 128) ** 2
    prepared = shard.clips * about.frames_per_clip * _BYTES_A_FRAME[config["crop"]["format"]] * scale
    if about.fetched_bytes is not None:
        prepared += about.fetched_bytes(config, shard.bytes, (base / "source" / f"{shard.shard}.json").exists())
    return round(prepared)
