"""A job that ended by its own error is not tried again; a job that the scheduler killed is.

A profile's `retries` repeats every failed job, with more memory and time. That helps after a time limit, too little memory or a
lost node. An error sentence (exit codes 1 and 2, docs/robustness.md) comes again. So the shell of a cluster job leaves a mark
after these codes, and the next attempt ends before it begins.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from dheads_model.config import short_hash
from dheads_model.errors import EXIT_FAILED, EXIT_USER_ERROR, UserError

FOLDER = ".snakemake/own_errors"


def mark_of(argv: Sequence[str]) -> str | None:
    """File that marks the job of a Snakemake process on a cluster's node, from its arguments; None for another process."""
    if "--target-jobs" not in argv:
        return None
    rest = argv[argv.index("--target-jobs") + 1 :]
    jobs = rest[: next((place for place, word in enumerate(rest) if word.startswith("--")), len(rest))]
    return f"{FOLDER}/{short_hash(list(jobs))}"


def attempt_of(argv: Sequence[str]) -> int:
    """Which attempt at its job a Snakemake process on a cluster's node is, from its arguments; 1 is the first."""
    return int(argv[argv.index("--attempt") + 1]) if "--attempt" in argv else 1


def check_attempt(mark: str, attempt: int) -> None:
    """Before a job: raise UserError if the attempt before ended by an error of the job itself; forget older marks."""
    if attempt == 1:
        Path(mark).unlink(missing_ok=True)
    elif Path(mark).exists():
        raise UserError(
            "this job is not tried again: its last attempt ended by an error of its own, not of the cluster."
        )


def marking_shell(mark: str) -> str:
    """Shell text that leaves the mark when the job's shell ends with an error of its own."""
    folder, name = shlex.quote(str(Path(mark).parent)), shlex.quote(mark)
    codes = f"{EXIT_FAILED}|{EXIT_USER_ERROR}"
    return f"trap 'case $? in {codes}) mkdir -p {folder} && touch {name};; esac' EXIT; "
