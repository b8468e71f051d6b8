"""Run the workflow with the committed Slurm profile, asking for the states of jobs every second."""

import os
import subprocess
import sys
from pathlib import Path

from tests.workflow import ROOT

PROFILE = ROOT / "config/profiles/slurm"
QUICK = (
    "--slurm-init-seconds-before-status-checks",
    "1",
    "--seconds-between-status-checks",
    "1",
    "--latency-wait",
    "5",
)


def command(project: Path, work: Path, *arguments: str) -> list[str]:
    """`snakemake --profile config/profiles/slurm` on the project's Snakefile with outputs in `work`."""
    return [
        sys.executable, "-m", "snakemake", "--snakefile", str(project / "Snakefile"), "--directory", str(work),
        "--profile", str(project / "config/profiles/slurm"), *QUICK, *arguments,
    ]  # fmt: skip


def environment(work: Path, slurm: dict[str, str]) -> dict[str, str]:
    """Environment of the command, with the variables of a real or fake Slurm."""
    found = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PWD": str(work), **slurm}
    found.pop("PYTHONPATH", None)
    return found


def run(project: Path, work: Path, slurm: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    """Run the command to its end; its output is captured as one text."""
    return subprocess.run(
        command(project, work, *arguments), cwd=work, env=environment(work, slurm), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3600,
    )  # fmt: skip
