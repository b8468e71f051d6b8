"""Errors of the machine as one sentence: a full disk, a folder that cannot be written."""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dheads_model.errors import UserError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def machine_trouble(problem: OSError) -> UserError | None:
    """The sentence for a full disk or a file that may not be read or written, None for any other error."""
    where = f" at {problem.filename}" if problem.filename else ""
    if problem.errno in _FULL:
        return UserError(f"the disk is full{where}: make room, then run the same command again to resume.")
    if problem.errno == errno.EFBIG:
        return UserError(
            f"a file grew beyond what this machine allows{where} (ulimit -f, or the file system's own limit)."
        )
    if problem.errno in _FORBIDDEN:
        return UserError(
            f"{problem.filename or 'a file'} cannot be read or written ({os.strerror(problem.errno)}): change its "
            "permissions, or work in another folder with --directory."
        )
    return None


@contextmanager
def opened_for_library(path: Path | str) -> Iterator[io.RawIOBase]:
    """A file for a library that hides why writing failed: the OSError is raised as it was.

    PyTorch raises a RuntimeError about an iostream where the disk is full.
    """
    stream = _Remembering(path)
    try:
        with stream:
            yield stream
    except Exception as problem:
        if stream.problem is not None:
            raise stream.problem from problem
        raise


class _Remembering(io.FileIO):
    """A file that remembers the error of a failed write."""

    def __init__(self, path: Path | str):
        super().__init__(path, "w")
        self.path, self.problem = str(path), None

    def write(self, content) -> int:
        """Write all of `content`, as a regular file does unless the disk is full."""
        try:
            left = memoryview(content).cast("B")
            total = len(left)
            while left:
                left = left[super().write(left) :]
        except OSError as problem:
            problem.filename = problem.filename or self.path
            self.problem = problem
            raise
        return total
