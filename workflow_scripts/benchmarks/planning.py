"""Measure planning: dry runs over 2,000 shards, over the whole of CREMA-D and LRW, and with nothing left to do."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from dheads_model.config import short_hash
from dheads_model.corpora.lrw.credentials import PASSWORD, USER
from dheads_model.corpora.lrw.index import COLUMNS
from dheads_model.files import write_json
from workflow_scripts.benchmarks.machine import machine_facts
from workflow_scripts.command import command_parser, run_command

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 3
SHARDS = 2000
LRW_CLIPS = {"train": 488_766, "val": 25_000, "test": 25_000}
LRW_WORDS = 500
# Seconds and megabytes (10^6 bytes) within which the whole workflow of a corpus is to be planned.
GOALS = {"crema_d": (5, 400), "lrw_fetched": (30, 400), "lrw_in_a_folder": (30, 400)}
WHOLE = ("all", "prepare")


def main(arguments) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpora = {name: _repeated(dry_run_of(name, Path(folder, name)), goal) for name, goal in GOALS.items()}
        config = {"embedded": {"actors": SHARDS, "clips_per_actor": 1}, "sharding": {"clips_per_shard": 1}}
        overlay = Path(folder, "many_shards.json")
        overlay.write_text(json.dumps(config))
        many = [
            dry_run(folder, "--configfile", str(overlay), "--", "resources/embedded/index.json") for _ in range(REPEATS)
        ]
    nothing = [dry_run(os.getcwd()) for _ in range(REPEATS)]
    write_json(
        arguments.output,
        {
            "command": "snakemake --cores 2 results/benchmarks/planning.json",
            "machine": machine_facts(),
            "corpora": corpora,
            "shards": SHARDS,
            "jobs": many[0]["jobs"],
            "dry_run_seconds": [one["seconds"] for one in many],
            "dry_run_goal_seconds": 15,
            "present_workflow_jobs_left": nothing[0]["jobs"],
            "present_workflow_seconds": [one["seconds"] for one in nothing],
            "present_workflow_goal_seconds": 6,
            "peak_megabytes": max(one["peak_megabytes"] for one in (*many, *nothing)),
        },
    )


def dry_run_of(name: str, work: Path) -> Callable[[], dict]:
    """Function without arguments that plans the whole workflow of a corpus of GOALS in the empty folder `work`."""
    work.mkdir(parents=True, exist_ok=True)
    config = "crema_d" if name == "crema_d" else "lrw"
    arguments, environment = ["--configfile", str(ROOT / f"config/{config}.yaml")], {}
    if name == "lrw_in_a_folder":
        path = work / "lipread_mp4"
        path.mkdir()
        write_synthetic_index(work / f"resources/lrw/index-{short_hash(str(path))}.tsv", LRW_CLIPS)
        arguments += ["--config", f"lrw={{path: {path}}}"]
    elif name == "lrw_fetched":
        environment = {USER: "nobody", PASSWORD: "nothing"}
    return lambda: dry_run(work, *arguments, "--", *WHOLE, **environment)


def write_synthetic_index(path: Path, clips: Mapping[str, int]) -> None:
    """Write a table of clips, a number a split, with LRW's number of words; its files do not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    words = [f"WORD{chr(65 + number // 26)}{chr(65 + number % 26)}" for number in range(LRW_WORDS)]
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("\t".join(COLUMNS) + "\n")
        for split, count in clips.items():
            each, more = divmod(count, len(words))
            for place, word in enumerate(words):
                for number in range(1, each + (place < more) + 1):
                    size = 60_000 + 7919 * number % 80_000
                    stream.write(f"{word}_{split}_{number:05d}\t{word}\t{split}\t{size}\t\n")


def dry_run(folder: Path | str, *arguments: str, **environment: str) -> dict:
    """Wall seconds, jobs (all, and by rule) and peak memory of `snakemake --dry-run` in a folder.

    Raises CalledProcessError when it fails.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder),
               "--dry-run", "--nolock", "--quiet", "rules", "--cores", "1", *arguments]  # fmt: skip
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
        _, status, usage = os.wait4(process.pid, 0)
        seconds = round(time.perf_counter() - started, 2)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, said)
    total = re.search(r"^total +(\d+)$", said, re.M)
    return {
        "seconds": seconds,
        "jobs": int(total[1]) if total else 0,
        "rules": {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", said, re.M) if rule != "total"},
        "peak_megabytes": round(usage.ru_maxrss * 1024 / 1e6),
    }


def _repeated(measure: Callable[[], dict], goal: tuple[int, int]) -> dict:
    runs = [measure() for _ in range(REPEATS)]
    return {
        "jobs": runs[0]["jobs"],
        "dry_run_seconds": [one["seconds"] for one in runs],
        "dry_run_goal_seconds": goal[0],
        "peak_megabytes": max(one["peak_megabytes"] for one in runs),
        "goal_megabytes": goal[1],
    }


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.benchmarks.planning", parser, main)
