"""Shell text before every job's command: strict mode, this Python, this code, and the loop that resumes a stopped job."""

import os
import shlex
import sys

from dheads_model.errors import EXIT_RETRY, UserError
from dheads_model.processor import pinned_environment

# Environment of every job, besides PATH and PYTHONPATH: values that must be equal on every machine.
JOB_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    # Without the work directory, where the user's files may have names of modules.
    "PYTHONSAFEPATH": "1",
    **pinned_environment(),
}
# A scheduler's SIGTERM or SIGUSR1 ends a training or a sampling job with EXIT_RETRY, and the next try continues it.
# Snakemake's `retries` would also repeat errors that the user has to fix, hence a loop in the job itself.
_UNTIL_DONE = (
    "until_done() { local code attempt; for attempt in 1 2 3 4; do "
    f'code=0; "$@" || code=$?; test $code = {EXIT_RETRY} || return $code; done; return $code; }}; '
)


def job_prefix(project: str) -> str:
    """Shell text for `shell.prefix`, which reads braces as fields: they are doubled.

    project: folder of the code. Raises UserError where a folder's name cannot stand in a search path.
    """
    python = os.path.dirname(sys.executable)
    for folder in (project, python):
        if ":" in folder:
            raise UserError(f"the folder {folder} has a colon in its name, which separates folders in PATH; rename it.")
    exports = [f'export PATH={shlex.quote(python)}:"$PATH"']
    values = {"PYTHONPATH": project, **JOB_ENVIRONMENT}
    exports += [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    text = "set -euo pipefail; " + "; ".join(exports) + "; " + _UNTIL_DONE
    return text.replace("{", "{{").replace("}", "}}")
