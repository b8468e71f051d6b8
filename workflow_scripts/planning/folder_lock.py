"""One Snakemake per work directory, by a lock that ends with its process.

Snakemake's own lock is a file that outlives a killed process, so that the same command fails until someone types
`--unlock`; the default profile turns it off (`nolock`). The kernel releases this one however the process ends.
"""

import errno
import fcntl
import os
import socket
import sys
from pathlib import Path

from dheads_model.errors import UserError

LOCK = ".snakemake/running"
_held = []


def hold_folder(work: Path | str) -> None:
    """Keep `work` for this process until it ends; raises UserError while another process holds it.

    On a file system without locks it prints a warning, and nothing is locked.
    """
    path = Path(work, LOCK)
    path.parent.mkdir(exist_ok=True)
    stream = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (closed, and so released, by the end of the process)
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        stream.seek(0)
        raise UserError(
            f"snakemake already works in {Path(work).resolve()} ({stream.read().strip() or 'just started'}); wait until it "
            "ends, or stop it with Ctrl-C where it runs."
        ) from problem
    except OSError as problem:
        if problem.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        print(f"{path} cannot be locked ({problem.strerror}): start no second snakemake here.", file=sys.stderr)
    stream.truncate(0)
    stream.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    stream.flush()
    _held.append(stream)


def holder(work: Path | str) -> str:
    """Which process holds `work`, as it wrote it, "" if none does."""
    try:
        with open(Path(work, LOCK), encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Path(work, LOCK).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return ""
