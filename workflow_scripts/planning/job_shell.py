"""What stands before every job's command in the shell: strictness, this Python, this code, and how a stopped job resumes."""

import os
import shlex
import sys

from dheads_model.errors import EXIT_RETRY, UserError
from dheads_model.processor import pinned_environment

# Environment of every job, besides where its Python and its code are. Whatever must be equal on every machine belongs here.
JOB_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    # Without the work directory, where a person's own files may be named as a module is.
    "PYTHONSAFEPATH": "1",
    **pinned_environment(),
}
# A scheduler's SIGTERM or SIGUSR1 ends a training with EXIT_RETRY, and it resumes from its state. Snakemake's `retries`
# would also repeat what a person must mend, hence a loop of the job's own.
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
