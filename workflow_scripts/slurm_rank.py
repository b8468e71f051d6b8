"""Run Python as one rank of a training that `srun` starts: `srun --ntasks N python -m workflow_scripts.slurm_rank -m MODULE ...`.

Slurm's variables become those of torchrun, which the training reads. One task a GPU, on one node or several.
"""

import os
import re
import sys
from collections.abc import Mapping

from workflow_scripts.planning.job_shell import show_gpus

# Rendezvous ports, one a job: jobs of one node do not meet.
_FIRST_PORT, _PORTS = 20_000, 20_000


def rank_of_task(slurm: Mapping[str, str]) -> dict[str, str]:
    """Variables of torchrun from those of a task of srun. The first node of the list is where the ranks meet."""
    ranks = {"RANK": "SLURM_PROCID", "WORLD_SIZE": "SLURM_NTASKS", "LOCAL_RANK": "SLURM_LOCALID"}
    found = {name: slurm[task] for name, task in ranks.items()}
    # "2(x3),1": three nodes of two tasks and one of one.
    counts = re.findall(r"(\d+)(?:\(x(\d+)\))?", slurm["SLURM_STEP_TASKS_PER_NODE"])
    of_nodes = [tasks for tasks, times in counts for _ in range(int(times or 1))]
    found["LOCAL_WORLD_SIZE"] = of_nodes[int(slurm["SLURM_NODEID"])]
    found["MASTER_ADDR"] = first_node(slurm["SLURM_STEP_NODELIST"])
    found["MASTER_PORT"] = str(_FIRST_PORT + int(slurm["SLURM_JOB_ID"]) % _PORTS)
    return found


def first_node(nodes: str) -> str:
    """The first of a list of nodes as Slurm writes it: gpu[03-05,9],login -> gpu03."""
    found = re.match(r"([^,\[]+)(?:\[(\d+))?", nodes)
    return found[1] + (found[2] or "")


if __name__ == "__main__":
    show_gpus(os.environ)
    os.environ |= rank_of_task(os.environ)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
