"""Run a command on free GPUs of this machine: `python -m workflow_scripts.claim_gpus N COMMAND ...`.

Snakemake counts GPUs on one machine and gives out none, so that all jobs would compute on the first. A GPU is claimed by a lock
on a file, which the kernel releases when the command has ended, however it ended; the command waits while fewer than N are free.
Every user's jobs share the locks. In a scheduler's job, or where no GPU is, the command runs without a lock.

A job without this command sees no GPU: the shell text before it hides them (workflow_scripts/planning/job_shell.py).
"""

import fcntl
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dheads_model.errors import EXIT_USER_ERROR
from workflow_scripts.planning.job_shell import SCHEDULERS, show_gpus


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """GPUs that the command may use, as CUDA_VISIBLE_DEVICES names them; all of the machine where it is not set."""
    if "CUDA_VISIBLE_DEVICES" in environment:
        return [name.strip() for name in environment["CUDA_VISIBLE_DEVICES"].split(",") if name.strip()]
    try:
        listed = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        return subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return []


def claim(gpus: Sequence[str], count: int, folder: Path) -> dict[str, int] | None:
    """Lock `count` of the GPUs: {GPU: descriptor of its lock}. None, and none is locked, while fewer are free."""
    held: dict[str, int] = {}
    for name in gpus:
        # Not opened for writing: a file of another user in a folder for all cannot be.
        path = folder / f"dheads-gpu-{name}.lock"
        if not path.exists():
            path.touch(0o644)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        held[name] = descriptor
        if len(held) == count:
            return held
    for descriptor in held.values():
        os.close(descriptor)
    return None


def run_on(count: int, command: Sequence[str]) -> None:
    """Become the command, with CUDA_VISIBLE_DEVICES of claimed GPUs; ends with a sentence where the machine has too few."""
    show_gpus(os.environ)
    gpus = visible_gpus(os.environ)
    if gpus and not any(name in os.environ for name in SCHEDULERS):
        if len(gpus) < count:
            print(
                f"error: the job needs {count} GPUs and may use {len(gpus)} here; lower the config's gpus.",
                file=sys.stderr,
            )
            sys.exit(EXIT_USER_ERROR)
        folder = Path(tempfile.gettempdir())
        held = claim(gpus, count, folder)
        if held is None:
            print(f"waiting for {count} free GPUs of {', '.join(gpus)}", file=sys.stderr, flush=True)
        while held is None:
            time.sleep(random.uniform(0.5, 1.5))
            held = claim(gpus, count, folder)
        for descriptor in held.values():
            os.set_inheritable(descriptor, True)
        # The numbers of nvidia-smi.
        os.environ |= {"CUDA_VISIBLE_DEVICES": ",".join(held), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    os.execvp(command[0], list(command))


if __name__ == "__main__":
    run_on(int(sys.argv[1]), sys.argv[2:])
