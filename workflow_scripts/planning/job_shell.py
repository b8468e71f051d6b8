"""Shell text before every job's command: strict mode, this Python, this code, no GPU, and the loop that resumes a stopped job."""

import os
import shlex
import signal
import sys
from collections.abc import MutableMapping

from dheads_model.errors import EXIT_RETRY, UserError
from dheads_model.processor import pinned_environment

# Environment of every job, besides PATH and PYTHONPATH: values that must be equal on every machine.
JOB_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    # Without the work directory, where the user's files may have names of modules.
    "PYTHONSAFEPATH": "1",
    **pinned_environment(),
}
# Variables of jobs whose scheduler chooses the GPUs: Slurm, PBS, LSF, Grid Engine, Kubernetes.
SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "SGE_TASK_ID", "KUBERNETES_SERVICE_HOST")
# PyTorch computes on the first GPU that it sees, so jobs that asked for none would all meet there. `show_gpus` undoes this in jobs
# that did. What a scheduler's job was given stays visible.
_HIDDEN = "DHEADS_HIDDEN_GPUS"
_ALL = "all"
_HIDE_GPUS = (
    f'if test -z "{"".join(f"${{{name}:-}}" for name in SCHEDULERS)}" || test -z "${{CUDA_VISIBLE_DEVICES:-}}"; then '
    f'export {_HIDDEN}="${{CUDA_VISIBLE_DEVICES-{_ALL}}}" CUDA_VISIBLE_DEVICES=; fi; '
)
# A scheduler's SIGTERM or SIGUSR1 ends a training or a sampling job with EXIT_RETRY, and the next try continues it.
# Snakemake's `retries` would also repeat errors that the user has to fix, hence a loop in the job itself. Under Slurm the
# job is put back into the queue, where it gets a whole time limit again, any number of times. It is not when it was cancelled
# (then it no longer is RUNNING), nor when Slurm refuses (an interactive job, a cluster without requeueing). Slurm then ends
# the waiting shell.
_UNTIL_DONE = (
    'requeued() { test -n "${SLURM_JOB_ID:-}" '
    '&& test "$(squeue --noheader --jobs "$SLURM_JOB_ID" --format %T 2> /dev/null)" = RUNNING '
    '&& scontrol requeue "$SLURM_JOB_ID" && echo "job $SLURM_JOB_ID goes back into the queue and resumes from there"; }; '
    "until_done() { local code attempt; for attempt in 1 2 3 4; do "
    f'code=0; "$@" || code=$?; test $code = {EXIT_RETRY} || return $code; '
    "if requeued; then sleep 600; fi; done; return $code; }; "
)


def leave_warnings_to_commands() -> None:
    """Ignore SIGUSR1 in this Snakemake and in every process that it starts, but those that handle it.

    Slurm sends a job's warning before its time limit to all of its processes. A training saves its state then; Snakemake,
    bash and tee would end, and the training with them.
    """
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def job_prefix(project: str, more: str = "") -> str:
    """Shell text for `shell.prefix`, which reads braces as fields: they are doubled.

    project: folder of the code. more: further shell text. Raises UserError where a folder's name cannot stand in a search path.
    """
    python = os.path.dirname(sys.executable)
    for folder in (project, python):
        if ":" in folder:
            raise UserError(f"the folder {folder} has a colon in its name, which separates folders in PATH; rename it.")
    exports = [f'export PATH={shlex.quote(python)}:"$PATH"']
    values = {"PYTHONPATH": project, **JOB_ENVIRONMENT}
    exports += [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    text = "set -euo pipefail; " + "; ".join(exports) + "; " + _HIDE_GPUS + _UNTIL_DONE + more
    return text.replace("{", "{{").replace("}", "}}")


def show_gpus(environment: MutableMapping[str, str]) -> None:
    """Undo in a job's environment that its shell text hid the GPUs. Without that text nothing changes."""
    hidden = environment.pop(_HIDDEN, None)
    if hidden == _ALL:
        del environment["CUDA_VISIBLE_DEVICES"]
    elif hidden is not None:
        environment["CUDA_VISIBLE_DEVICES"] = hidden
