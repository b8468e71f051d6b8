"""Members of a zip or tar that is not trusted, read within bounds; nothing is written."""

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dheads_model.errors import UserError

# tarfile reads a header as long as the archive says it is.
_LARGEST_READ = 2**20
_MOST_MEMBERS = 200_000
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Member:
    """A plain file in an archive. read: function that gives its bytes, and checks them where the archive has a checksum."""

    path: str
    bytes: int
    read: Callable[[], bytes]


def members_of(archive: Path) -> Iterator[Member]:
    """Plain files of a zip or tar; a member must be read before the next one is taken.

    Raises UserError for a file that is neither, for a member that is a link, a device or encrypted, or has an absolute path, a
    `..` or a path that cannot be printed, and for more than 200,000 members; one of DAMAGE for a damaged archive.
    """
    if zipfile.is_zipfile(archive):
        yield from _of_zip(archive)
        return
    with open(archive, "rb") as stream:
        try:
            with tarfile.open(fileobj=_BoundedReads(stream, archive), mode="r:") as tar:
                yield from _of_tar(archive, tar)
        except tarfile.ReadError as problem:
            if stream.tell() > tarfile.BLOCKSIZE:
                raise
            raise UserError(f"{archive} is neither a zip nor a tar; check the address that it comes from.") from problem


def _of_zip(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        infos = opened.infolist()
        if len(infos) > _MOST_MEMBERS:
            raise UserError(f"{archive} has {len(infos)} members, more than any copy of GRID.")
        for info in infos:
            _check_path(archive, info.filename)
            if info.is_dir():
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG) or info.flag_bits & 1:
                raise _refusal(archive, info.filename, "which is a link, a device or encrypted")

            def read(info=info) -> bytes:
                with opened.open(info) as stream:
                    content = stream.read(info.file_size + 1)
                if len(content) != info.file_size:
                    raise zipfile.BadZipFile(f"{info.filename!a} has another size than stated")
                return content

            yield Member(info.filename, info.file_size, read)


def _of_tar(archive: Path, tar: tarfile.TarFile) -> Iterator[Member]:
    count, end = 0, 0
    while (info := tar.next()) is not None:
        tar.members.clear()
        count += 1
        end = info.offset_data + (-(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE if info.isreg() else 0)
        if count > _MOST_MEMBERS:
            raise UserError(f"{archive} has more than {_MOST_MEMBERS} members, more than any copy of GRID.")
        _check_path(archive, info.name)
        if info.isdir():
            continue
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.issparse():
            raise _refusal(archive, info.name, "which is a link, a device or another special file")

        def read(info=info) -> bytes:
            pieces, stream = [], tar.extractfile(info)
            while piece := stream.read(_LARGEST_READ):
                pieces.append(piece)
            content = b"".join(pieces)
            if len(content) != info.size:
                raise EOFError("the archive ends within a file")
            return content

        yield Member(info.name, info.size, read)
    # tarfile takes a header that it cannot read, and the end of a file that was cut short, for the end of the archive.
    tar.fileobj.seek(end)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("the archive has no end")


def _check_path(archive: Path, name: str) -> None:
    steps = name.rstrip("/").split("/")
    if steps[0] == ".":
        steps = steps[1:]
    if any(step in ("", ".", "..") or "\\" in step or not step.isprintable() for step in steps) or ":" in steps[:1]:
        raise _refusal(archive, name, "which is no plain path below a folder")


def _refusal(archive: Path, name: str, why: str) -> UserError:
    return UserError(
        f"{archive} holds {name[:200]!a}, {why}; it is not GRID as it was published: fetch it from another source of "
        "grid.sources."
    )


class _BoundedReads:
    """A file for tarfile that refuses single reads of more than 1 MiB."""

    def __init__(self, stream, archive: Path):
        self._stream, self._archive = stream, archive
        self.tell, self.seek = stream.tell, stream.seek

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise UserError(f"{self._archive} has a header of {size} bytes; it is not GRID as it was published.")
        return self._stream.read(size)
