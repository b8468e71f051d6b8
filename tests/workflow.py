"""Run the workflow of a copied project in a folder of its own, and read what a dry run would do."""

import argparse
import atexit
import functools
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("Snakefile", "rules", "profiles", "workflow_scripts", "dheads_model", "config", "requirements.lock")


def copy_project(target: Path) -> Path:
    """A copy of the project's code in `target`, to be edited by a test."""
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


@functools.cache
def snakemake_command() -> tuple[str, ...]:
    """What stands for the command `snakemake`: a client of a server that ends with this process."""
    path = Path(tempfile.mkdtemp(prefix="snakemake"), "socket")
    script = str(ROOT / "tests/snakemake_server.py")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)
    server = subprocess.Popen(
        [sys.executable, script, "serve", str(path)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    atexit.register(shutil.rmtree, path.parent)
    atexit.register(server.communicate)
    assert server.stdout.readline() == b"ready\n"
    return sys.executable, "-I", "-S", script, "run", str(path)


def snakemake(project: Path, work: Path, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess:
    """Run `snakemake` on the project's Snakefile with outputs in `work`; output is captured as text."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PWD": str(work)}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        [*snakemake_command(), "--snakefile", str(project / "Snakefile"), "--directory", str(work), *arguments],
        cwd=work,
        env=environment,
        text=True,
        capture_output=True,
        timeout=timeout,
    )


def plan(project: Path, work: Path, *arguments: str) -> dict[str, int]:
    """{rule: number of jobs} that a dry run would execute, without pure target rules."""
    done = snakemake(project, work, "--dry-run", "--cores", "1", "--nolock", *arguments)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    table = re.search(r"job +count\n[- ]+\n(.*?)\n\n", output, re.S)
    if table is None:
        return {}
    counts = dict(line.split() for line in table[1].splitlines())
    return {rule: int(number) for rule, number in counts.items() if rule not in ("total", "all")}


def edit(path: Path, old: str, new: str) -> None:
    """Replace text that must be there exactly once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path}: {old!r} occurs {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


def write_model_header(path: Path, run: dict) -> None:
    """A file that says of itself that it is the export of a run, without weights: what planning looks at."""
    about = {"format": "dheads model 1", "config": run, "facts": {}}
    header = json.dumps({"__metadata__": {"dheads": json.dumps(about)}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def call(main, **arguments) -> None:
    """Call a command's `main` with parsed arguments."""
    main(argparse.Namespace(**arguments))
