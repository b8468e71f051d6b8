"""The parts of LRW's archive: verifying them against recorded checksums, reading them as one file."""

import io
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import sha256_of, write_text

PART_NAMES = tuple(f"lrw-v1-parta{letter}" for letter in "abcdefg")
CHECKSUMS = "lrw-v1-parts.sha256"


def record_parts(parts: Sequence[Path | str]) -> None:
    """Write the sha256 of parts to lrw-v1-parts.sha256 beside them, in the format of sha256sum; not concurrently.

    No checksums of LRW are published, so later downloads must match the first one. Parts that are
    already recorded are compared. Raises UserError for one that differs or is missing.
    """
    record = _record_of(parts)
    known = _read_checksums(record) if record.is_file() else {}
    for part in map(Path, parts):
        known[part.name] = _agreeing(part, known.get(part.name), record)
    write_text(record, "".join(f"{digest}  {name}\n" for name, digest in sorted(known.items())))


def verify_parts(parts: Sequence[Path | str]) -> bool:
    """Compare parts with lrw-v1-parts.sha256 beside them; False without such a file.

    Raises UserError for a part that differs, is missing or was never recorded.
    """
    record = _record_of(parts)
    if not record.is_file():
        return False
    known = _read_checksums(record)
    for part in map(Path, parts):
        if part.name not in known:
            raise UserError(f"{record} does not list {part.name}; delete {record.name} if it belongs to other parts.")
        _agreeing(part, known[part.name], record)
    return True


class JoinedParts(io.RawIOBase):
    """Several files read as one, without a joined copy; it can seek. Raises UserError when one is not there.

    paths and sizes (in bytes): of the parts, in order.
    """

    def __init__(self, paths: Sequence[Path | str]):
        super().__init__()
        self.paths = [Path(path) for path in paths]
        if not self.paths:
            raise UserError(f"no part of LRW was given; there must be {PART_NAMES[0]} to {PART_NAMES[-1]}.")
        for path in self.paths:
            if not path.is_file():
                raise UserError(f"{path} is not there; fetch it again.")
        self.sizes = [path.stat().st_size for path in self.paths]
        self._ends = list(accumulate(self.sizes))
        self._position = 0
        self._opened: tuple[int, io.FileIO] | None = None

    def size(self) -> int:
        """Bytes of all parts together."""
        return self._ends[-1]

    def part_at(self, position: int) -> int:
        """Number of the part that holds the byte at `position`; the last one for positions behind the end."""
        return min(bisect_right(self._ends, position), len(self.paths) - 1)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size()}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer) -> int:
        if self._position >= self.size():
            return 0
        number = self.part_at(self._position)
        if self._opened is None or self._opened[0] != number:
            self._close_part()
            self._opened = (number, io.FileIO(self.paths[number]))
        stream = self._opened[1]
        within = self._position - (self._ends[number] - self.sizes[number])
        if stream.tell() != within:
            stream.seek(within)
        # Not beyond the part, also where it grew since it was measured.
        count = stream.readinto(memoryview(buffer)[: self.sizes[number] - within])
        self._position += count
        return count

    def close(self) -> None:
        self._close_part()
        super().close()

    def _close_part(self) -> None:
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None


def _record_of(parts: Sequence[Path | str]) -> Path:
    return Path(parts[0]).parent / CHECKSUMS


def _read_checksums(record: Path) -> dict[str, str]:
    known = {}
    for line in record.read_text(encoding="utf-8", errors="replace").splitlines():
        row = re.fullmatch(r"([0-9a-f]{64})  (\S+)", line)
        if not row:
            raise UserError(
                f"{record} has the line {line[:80]!a}, which is not '<sha256>  <name>'; restore or delete it."
            )
        known[row[2]] = row[1]
    return known


def _agreeing(part: Path, recorded: str | None, record: Path) -> str:
    """The part's sha256; raises UserError when it is not the recorded one."""
    if not part.is_file():
        raise UserError(f"{part} is not there; fetch it again.")
    digest = sha256_of(part)
    if recorded is not None and digest != recorded:
        raise UserError(
            f"{part} is not the file that {record.name} recorded at its first download; delete it to fetch it again, or "
            f"{record.name} if the corpus itself was published again."
        )
    return digest
