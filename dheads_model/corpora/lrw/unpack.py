"""Extraction of LRW's archive, a split tar that is not trusted; an interrupted extraction resumes."""

import os
import stat
import tarfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dheads_model.corpora.lrw.layout import FOLDER
from dheads_model.corpora.lrw.parts import JoinedParts, verify_parts
from dheads_model.corpora.lrw.tar_stream import TarStream
from dheads_model.errors import UserError
from dheads_model.files import _is_running

# A clip has about a hundred kilobytes.
LARGEST_FILE = 16 * 2**20
# Damage is detected at the next header or at the end of a bzip2 block (900 kB): files written since then are not trusted.
_DOUBTFUL_BYTES = 4 * 2**20
_DAMAGE = (tarfile.TarError, EOFError, ValueError, RecursionError, OSError)


@dataclass
class Extraction:
    """Number of files written, and of files kept because they existed with the right size."""

    written: int = 0
    kept: int = 0
    _fresh: deque[tuple[int, Path]] = field(default_factory=deque, repr=False)

    def add(self, path: Path, position: int) -> None:
        """Count a file written when the archive had been read up to `position`."""
        self.written += 1
        self._fresh.append((position, path))
        while self._fresh[0][0] < position - _DOUBTFUL_BYTES:
            self._fresh.popleft()

    def withdraw(self, position: int) -> None:
        """Remove the files from the last bytes before `position`, at which the archive is damaged."""
        for written_at, path in self._fresh:
            if written_at >= position - _DOUBTFUL_BYTES:
                path.unlink(missing_ok=True)


def extract_parts(
    parts: Sequence[Path | str], target: Path | str, report: Callable[[int], object] = lambda count: None
) -> Extraction:
    """Extract LRW's parts, which together are one tar or tar.bz2, to `target`/lipread_mp4; no joined file is written.

    They are verified first if lrw-v1-parts.sha256 is beside them. Existing files with the right size are
    kept, so that an interrupted extraction resumes; each is written under a temporary name and renamed. Owners, modes
    and times of the archive are ignored. report: called with numbers of bytes of the (unpacked) archive.

    Raises UserError for parts that are missing, altered, cut short or no archive; for a member with an absolute path, a
    `..`, a place outside lipread_mp4/, that is a link, a device or larger than LARGEST_FILE; for an archive that
    unpacks to much more than its size; and where `target` cannot be written.
    """
    extraction = Extraction()
    with JoinedParts(parts) as joined:
        _check_sizes(joined)
        verify_parts(parts)
        temporary = _temporary_in(Path(target, FOLDER))
        stream = TarStream(joined, report)
        try:
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                while (member := tar.next()) is not None:
                    tar.members.clear()  # a million of them would stay in memory
                    _extract(member, stream, Path(target), temporary, extraction)
            stream.check_end()
        except _DAMAGE as problem:
            extraction.withdraw(stream.position)
            raise UserError(_blame(joined, stream.place(), problem)) from problem
        finally:
            temporary.unlink(missing_ok=True)
    if not extraction.written + extraction.kept:
        raise UserError(f"{joined.paths[0]} begins an archive without files; fetch the parts of LRW again.")
    if extraction.written:
        os.sync()
    return extraction


def _extract(member: tarfile.TarInfo, stream: TarStream, target: Path, temporary: Path, extraction: Extraction) -> None:
    steps = _steps(member)
    if member.isdir():
        return
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        raise _refusal(member, "which is a link, a device or another special file")
    if not 0 <= member.size <= LARGEST_FILE:
        raise _refusal(member, f"which has {member.size} bytes, more than any clip")
    destination = target.joinpath(*steps)
    if _size_of(destination) == member.size:
        extraction.kept += 1
        return
    content = stream.read_exactly(member.size)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        # No sync for each: a million of them take hours. After a crash of the machine a file whose bytes never reached
        # the disk has another size there, so that it is written again.
        temporary.write_bytes(content)
        os.replace(temporary, destination)
    except OSError as problem:
        raise _unwritable(destination, problem) from problem
    extraction.add(destination, stream.position)


def _steps(member: tarfile.TarInfo) -> list[str]:
    """The steps of a member's path below the target, the first one lipread_mp4; raises UserError for any other path."""
    steps = member.name.split("/")
    if steps[0] == ".":
        steps = steps[1:]
    if member.isdir() and not steps:
        return []
    if any(step in ("", ".", "..") or "\\" in step or not step.isprintable() for step in steps):
        raise _refusal(member, "which is no plain path below a folder")
    if not steps or steps[0] != FOLDER or (len(steps) == 1 and not member.isdir()):
        raise _refusal(member, f"which lies outside {FOLDER}/")
    return steps


def _refusal(member: tarfile.TarInfo, why: str) -> UserError:
    return UserError(
        f"the archive holds {member.name[:200]!a}, {why}; it is not LRW as it was published: fetch the parts again from "
        "the corpus' own host."
    )


def _unwritable(path: Path, problem: OSError) -> UserError:
    return UserError(
        f"{path} cannot be written ({problem.strerror}); fix this and run again, extracted files are kept."
    )


def _size_of(path: Path) -> int | None:
    """Size of a regular file, None where there is none."""
    try:
        facts = os.lstat(path)
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


def _temporary_in(folder: Path) -> Path:
    """The one name under which files are written before their rename; stale ones of killed processes are removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(".unpacking.*.partial"):
            if not _is_running(stale.name.split(".")[2]):
                stale.unlink(missing_ok=True)
    except OSError as problem:
        raise _unwritable(folder, problem) from problem
    return folder / f".unpacking.{os.getpid()}.partial"


def _check_sizes(joined: JoinedParts) -> None:
    """Raises UserError for a part shorter than others: `split` makes all but the last equally long.

    A tar may read on behind such a hole as if nothing were missing.
    """
    longest = max(joined.sizes[:-1], default=0)
    for path, size in zip(joined.paths[:-1], joined.sizes, strict=False):
        if size < longest:
            raise UserError(
                f"{path} is cut short: it has {size} bytes, others {longest}; fetch it again, or, if it is whole, unpack "
                "the parts by hand and set lrw.path."
            )


def _blame(joined: JoinedParts, place: int, problem: Exception) -> str:
    """Error sentence with the name of the part in which reading ended."""
    path = joined.paths[joined.part_at(place)]
    if isinstance(problem, OSError) and problem.errno:
        return f"{path} cannot be read ({problem.strerror}); fix this and run again."
    if place >= joined.size():
        return f"{path} is cut short: the archive continues after its last byte; fetch it again."
    return f"{path} is damaged ({problem}); fetch it again."
