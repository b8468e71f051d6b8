"""Measure planning: a dry run over 2,000 shards that were never made, and the rate of jobs a second."""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dheads_model.files import write_json
from workflow_scripts.command import parser, run
from workflow_scripts.machine import machine_facts

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 3
SHARDS = 2000


def main(given) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = {"embedded": {"actors": SHARDS, "clips_per_actor": 1}, "sharding": {"clips_per_shard": 1}}
        overlay = Path(folder, "many_shards.json")
        overlay.write_text(json.dumps(config))
        many = [
            _dry_run(folder, "--configfile", str(overlay), "--", "resources/embedded/index.json")
            for _ in range(REPEATS)
        ]
    nothing = [_dry_run(os.getcwd()) for _ in range(REPEATS)]
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    write_json(
        given.output,
        {
            "command": "snakemake --cores 2 results/benchmarks/planning.json",
            "machine": machine_facts(),
            "shards": SHARDS,
            "jobs": many[0]["jobs"],
            "dry_run_seconds": [one["seconds"] for one in many],
            "dry_run_goal_seconds": 15,
            "present_workflow_jobs_left": nothing[0]["jobs"],
            "present_workflow_seconds": [one["seconds"] for one in nothing],
            "present_workflow_goal_seconds": 6,
            "peak_memory_mib": round(usage.ru_maxrss / 1024),
        },
    )


def _dry_run(folder: str, *arguments: str) -> dict:
    started = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", folder]
    done = subprocess.run(
        [*command, "--dry-run", "--nolock", "--quiet", "rules", "--cores", "1", *arguments],
        text=True, capture_output=True, check=True,
    )  # fmt: skip
    seconds = round(time.perf_counter() - started, 2)
    total = re.search(r"^total +(\d+)$", done.stdout + done.stderr, re.M)
    return {"seconds": seconds, "jobs": int(total[1]) if total else 0}


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--output", required=True)
    run("workflow_scripts.benchmark_planning", arguments, main)
