"""Tar files with the same bytes for the same members, and a reader that refuses a truncated one.

Standard library only, because webdataset imports torch, which takes two seconds.
"""

import contextlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import atomic_path

_BLOCK = tarfile.BLOCKSIZE


@contextlib.contextmanager
def open_tar(path: Path | str) -> Iterator[Callable[[Iterable[tuple[str, bytes]]], None]]:
    """A function that appends (name, bytes) members to a new tar, which is put in place when the block ends without error.

    Owner, time and mode are fixed, so that equal members give equal bytes; members are not kept in memory. Raises
    ValueError for a name used twice.
    """
    seen: set[str] = set()
    with atomic_path(path) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:

        def add(members: Iterable[tuple[str, bytes]]) -> None:
            for name, content in members:
                if name in seen:
                    raise ValueError(f"{path}: member {name} is written twice")
                seen.add(name)
                header = tarfile.TarInfo(name)
                header.size, header.mtime, header.mode = len(content), 0, 0o444
                tar.addfile(header, io.BytesIO(content))
                # tarfile keeps every member for a listing, which is not needed here.
                tar.members.clear()

        yield add


def write_tar(path: Path | str, members: Iterable[tuple[str, bytes]]) -> None:
    """Write (name, bytes) members in the given order, atomically; see `open_tar`."""
    with open_tar(path) as add:
        add(members)


def read_tar(path: Path | str) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every member in order; raises UserError when the file is cut short or damaged.

    Python's and webdataset's readers accept a file that is cut between two members; here the two zero blocks
    that end a tar are required.
    """
    broken = UserError(f"{path} is truncated or damaged; delete its manifest to make both again.")
    with open(path, "rb") as stream:
        while True:
            header = stream.read(_BLOCK)
            if len(header) != _BLOCK:
                raise broken
            if not any(header):
                second = stream.read(_BLOCK)
                if len(second) != _BLOCK or any(second):
                    raise broken
                return
            try:
                info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
            except tarfile.HeaderError as problem:
                raise broken from problem
            content = stream.read(info.size)
            padding = stream.read(-info.size % _BLOCK)
            if len(content) != info.size or len(padding) != -info.size % _BLOCK or not info.isreg():
                raise broken
            yield info.name, content
