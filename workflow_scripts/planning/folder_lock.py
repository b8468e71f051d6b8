"""Several Snakemakes in one work directory, as long as none makes or reads what another makes.

Snakemake's own lock is a file that outlives a killed process, so that the same command fails until someone types
`--unlock`; the default profile turns it off (`nolock`). The kernel releases these ones however the process ends.
"""

import errno
import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from dheads_model.errors import UserError

# A file for each process, locked as long as it lives, with what it makes and reads; `guard` is held during the check.
RUNS = ".snakemake/runs"
_GUARD = "guard"
_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
_held = []


def hold_folder(work: Path | str, outputs: Iterable[str], inputs: Iterable[str]) -> None:
    """Claim files of `work` for this process until it ends.

    outputs, inputs: files that its jobs make and read. Raises UserError while another process makes one of these files, or reads
    one of the outputs. On a file system without locks it prints a warning, and nothing is locked.
    """
    outputs, used = set(outputs), {*outputs, *inputs}
    folder = Path(work, RUNS)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / _GUARD, "a", encoding="utf-8") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
        except OSError as problem:
            if problem.errno not in _WITHOUT_LOCKS:
                raise
            print(f"{folder} cannot be locked ({problem.strerror}): start no second snakemake here.", file=sys.stderr)
            return
        for other in _living(folder):
            shared = sorted(outputs & {*other["outputs"], *other["inputs"]} | used & set(other["outputs"]))
            if shared:
                more = f" and {len(shared) - 1} more files" if len(shared) > 1 else ""
                raise UserError(
                    f"snakemake already works in {Path(work).resolve()} ({other['who']}) on {shared[0]}{more}; wait until it "
                    "ends, or stop it with Ctrl-C where it runs."
                )
        own = folder / f"{socket.gethostname()}.{os.getpid()}.json"
        stream = open(own, "w", encoding="utf-8")  # noqa: SIM115 (closed, and so released, by the end of the process)
        fcntl.flock(stream, fcntl.LOCK_EX)
        who = f"process {os.getpid()} on {socket.gethostname()}"
        json.dump({"who": who, "outputs": sorted(outputs), "inputs": sorted(used - outputs)}, stream)
        stream.flush()
        _held.append(stream)


def holders(work: Path | str) -> list[str]:
    """Processes that work in a folder now, in words."""
    folder = Path(work, RUNS)
    return [other["who"] for other in _living(folder)] if folder.is_dir() else []


def _living(folder: Path) -> Iterator[dict]:
    """What the living processes claimed; files of ended ones are removed."""
    for path in sorted(folder.glob("*.json")):
        with open(path, encoding="utf-8") as stream:
            if _is_free(stream):
                path.unlink(missing_ok=True)
            else:
                yield json.load(stream)


def _is_free(stream: TextIO) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
