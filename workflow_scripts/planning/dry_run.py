"""The jobs of a dry run, also as it would be after edits of the code: `python -m workflow_scripts.planning.dry_run`.

Arguments: the files that count as edited, `--`, the arguments of snakemake.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.fingerprint import ROOT, suppose_edited

_TABLE = re.compile(r"job +count\n[- ]+\n(.*?)\n\n", re.S)


def planned_jobs(snakemake_arguments: Sequence[str], edited: Sequence[Path | str] = ()) -> dict[str, int]:
    """{rule: number of jobs} that this command would run, without targets that do nothing.

    edited: files that count as edited. A process of its own plans, so that nothing stays in this one.
    Raises UserError with the workflow's own sentence where it refuses.
    """
    command = [sys.executable, "-m", "workflow_scripts.planning.dry_run", *map(str, edited), "--", *snakemake_arguments]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    output = done.stdout + done.stderr
    if done.returncode:
        lines = [line for line in output.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error: ")]
        raise UserError("\n".join(errors).removeprefix("error: ") or "\n".join(lines[-5:]))
    table = _TABLE.search(output)
    counts = dict(line.split() for line in table[1].splitlines()) if table else {}
    return {rule: int(count) for rule, count in counts.items() if rule not in ("total", "all", "prepare", "benchmarks")}


def main(arguments: Sequence[str]) -> None:
    """Plan with Snakemake in this process."""
    from snakemake.cli import main as snakemake

    place = list(arguments).index("--")
    suppose_edited(arguments[:place])
    snakemake(["--snakefile", str(ROOT / "Snakefile"), "--dry-run", "--cores", "1", *arguments[place + 1 :]])


if __name__ == "__main__":
    main(sys.argv[1:])
