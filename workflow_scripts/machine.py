"""What a speed figure must say about the machine it was taken on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def machine_facts() -> dict:
    """Processor, cores that this process may use, operating system, and versions of the packages that do the work."""
    names = ("torch", "decord", "av", "mediapipe", "opencv-python-headless", "numpy", "snakemake")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in names},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
