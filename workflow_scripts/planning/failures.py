"""Error messages of failed jobs, as the last lines on the screen, below those of Snakemake."""

import atexit
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# Format of Snakemake's own log, one match per job.
_FAILED = re.compile(r"^Error in rule (\S+):\n(?:    .*\n)*?    log: (\S.*?) \(check log file", re.M)

_NO_ROOM = 1 << 16

# Message of workflow_scripts.command after Ctrl-C; a job that was still starting logs KeyboardInterrupt instead.
STOPPED = "error: stopped; run the same command again to resume."
_NO_WORD = "it ended without a message, as a job does that is killed for lack of memory: give it more, or run fewer jobs at once"


class Failure(NamedTuple):
    """A job that failed: its rule, its log, and the last sentence in it."""

    rule: str
    log: str
    sentence: str


def failures(snakemake_log: str, work: Path | str = ".") -> list[Failure]:
    """Failed jobs of the text of Snakemake's log, each once, in the order in which they failed last. work: where logs are."""
    found = {log: Failure(rule, log, last_sentence(Path(work, log))) for rule, log in _FAILED.findall(snakemake_log)}
    return list(found.values())


def last_sentence(log: Path | str) -> str:
    """The last error in a log, else its last line; a sentence about the log if it is empty."""
    try:
        lines = Path(log).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as problem:
        return f"error: its log cannot be read ({problem.strerror})."
    written = [line.strip() for line in lines if line.strip()]
    errors = [line for line in written if line.startswith("error: ")]
    if errors:
        return errors[-1]
    if not written:
        # A log on a full disk stays empty.
        full = shutil.disk_usage(Path(log).parent).free < _NO_ROOM
        return f"error: {'the disk is full: make room' if full else _NO_WORD}, then run the same command again."
    if written[-1] == "KeyboardInterrupt":
        return STOPPED
    return written[-1].rpartition("\r")[2]


def tell_at_exit(snakemake_logs: Iterable[str]) -> None:
    """Print the failed jobs of a run when the process ends, which is after Snakemake's last line."""
    found = failures("\n".join(Path(log).read_text(encoding="utf-8", errors="replace") for log in snakemake_logs))
    if found:
        atexit.register(_tell, found)


def _tell(found: list[Failure]) -> None:
    if all(failure.sentence == STOPPED for failure in found):
        print(f"\n{STOPPED.removeprefix('error: ')}", file=sys.stderr)
        return
    print(f"\n{len(found)} job{'s' if len(found) > 1 else ''} failed:", file=sys.stderr)
    for failure in found:
        print(f"{failure.rule} (all of its log: {failure.log})\n  {failure.sentence}", file=sys.stderr)
