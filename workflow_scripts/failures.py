"""What failed jobs said, as the last thing on the screen, below what Snakemake prints about them."""

import atexit
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# As Snakemake's own log tells it, job by job.
_FAILED = re.compile(r"^Error in rule (\S+):\n(?:    .*\n)*?    log: (\S.*?) \(check log file", re.M)

_NO_ROOM = 1 << 16


class Failure(NamedTuple):
    """A job that failed: its rule, its log, and the last sentence in it."""

    rule: str
    log: str
    sentence: str


def failures(snakemake_log: str) -> list[Failure]:
    """Failed jobs of the text of Snakemake's log, each once, in the order in which they failed last."""
    found = {log: Failure(rule, log, last_sentence(log)) for rule, log in _FAILED.findall(snakemake_log)}
    return list(found.values())


def last_sentence(log: Path | str) -> str:
    """The last line that a log has; a sentence about the log where it has none."""
    try:
        lines = Path(log).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as problem:
        return f"error: its log cannot be read ({problem.strerror})."
    written = [line.strip() for line in lines if line.strip()]
    told = [line for line in written if line.startswith("error: ")]
    if told or not written:
        return (
            told[-1] if told else "error: it ended without a word; a killed job does, for instance for want of memory."
        )
    return written[-1].rpartition("\r")[2]


def tell_at_exit(snakemake_logs: Iterable[str]) -> None:
    """Print the failed jobs of a run when the process ends, which is after Snakemake's last line."""
    found = failures("\n".join(Path(log).read_text(encoding="utf-8", errors="replace") for log in snakemake_logs))
    if found:
        atexit.register(_tell, found)


def _tell(found: list[Failure]) -> None:
    print(f"\n{len(found)} job{'s' if len(found) > 1 else ''} failed:", file=sys.stderr)
    for failure in found:
        print(f"{failure.rule} (all of its log: {failure.log})\n  {failure.sentence}", file=sys.stderr)
