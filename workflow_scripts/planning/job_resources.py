"""What a job asks a scheduler for: memory, minutes and threads.

Memory and minutes grow with the attempt, for jobs that a scheduler killed (`retries` of a profile).
"""

import functools
import math
import subprocess
import sys
from collections.abc import Callable

from dheads_model.errors import UserError

# Two Snakemake processes of at most 350 MB run in every cluster job, beside the command.
SNAKEMAKE_MB = 700
# A rank of a training, and the processes that decode for it.
THREADS_PER_GPU = 8
# Cores of clusters differ, and are shared: the minutes are those of docs/benchmarks.md times this.
MARGIN = 3
# Minutes of a job besides its clips: the starts of Snakemake and Python, and a slow shared file system.
START_MINUTES = 10
# Seconds of one core for a clip of CREMA-D (2.5 s, 25 frames a second after alignment), docs/benchmarks.md, "Preparation". An LRW
# clip has half the frames. For the others an upper bound was taken.
SECONDS_PER_CLIP = {
    "track": 0.7,
    "crop": 0.1,
    "source": 0.1,
    "stage": 0.05,
    "quality": 0.2,
    "reference": 0.2,
    "measure": 2.0,
}
# face-alignment with S3FD: eight minutes of a core for three seconds of video; on a GPU an assumption.
FACE_ALIGNMENT_SECONDS = {"cpu": 400.0, "gpu": 5.0}


def memory(megabytes: int | Callable) -> Callable:
    """Resource mem_mb: of the command (a number, or a function of wildcards) times the attempt, and of Snakemake's processes."""

    def mem_mb(wildcards, attempt):
        needed = megabytes(wildcards) if callable(megabytes) else megabytes
        return needed * attempt + SNAKEMAKE_MB

    return mem_mb


def minutes(count: int | Callable) -> Callable:
    """Resource runtime: minutes (a number, or a function of wildcards) times the attempt."""

    def runtime(wildcards, attempt):
        return (count(wildcards) if callable(count) else count) * attempt

    return runtime


def minutes_for(clips: int, seconds_per_clip: float) -> int:
    """Minutes that a job over some clips may take."""
    return START_MINUTES + math.ceil(MARGIN * clips * seconds_per_clip / 60)


def threads_of_training(gpus: int) -> int:
    """Threads of a training: eight, or eight for each of its GPUs."""
    return THREADS_PER_GPU * max(gpus, 1)


def srun_options(ranks: int, nodes: int, cores_per_rank: int) -> str:
    """Options of srun for one rank per GPU, equally many on each node. Raises UserError where they cannot be.

    All are given, since Snakemake's job step takes away what the job was submitted with: a rank would get one core.
    """
    if ranks % nodes:
        raise UserError(f"{ranks} GPUs cannot be split over {nodes} nodes; make runs.NAME.gpus a multiple of {nodes}.")
    return f"--nodes={nodes} --ntasks={ranks} --ntasks-per-node={ranks // nodes} --cpus-per-task={cores_per_rank}"


def at_most(threads: int, cores_of_largest_node: int | None) -> int:
    """Threads of a job, no more than its cluster's largest node has; says so when they are fewer than wanted.

    Slurm lets a job that no node can hold wait for ever. None: there is no cluster, or its nodes are not known.
    """
    if cores_of_largest_node is None or threads <= cores_of_largest_node:
        return threads
    _say_once(
        f"jobs of {threads} threads ask for {cores_of_largest_node}: the largest node of this cluster has no more cores."
    )
    return cores_of_largest_node


@functools.cache
def cores_of_largest_node() -> int | None:
    """Cores of the largest node that Slurm knows; None where `sinfo` is not installed or does not answer."""
    try:
        answer = subprocess.run(
            ["sinfo", "--noheader", "--Node", "--format=%c"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return max((int(word) for word in answer.split() if word.isdigit()), default=None)


@functools.cache
def _say_once(sentence: str) -> None:
    print(sentence, file=sys.stderr)
