"""The bytes of a tar or tar.bz2, read sequentially and within bounds, for the standard library's tarfile."""

import bz2
import io
import tarfile
from collections.abc import Callable

from dheads_model.corpora.lrw.parts import JoinedParts
from dheads_model.errors import UserError

# Compressed video cannot be compressed further; an archive with a larger ratio does not contain videos.
LARGEST_GROWTH = 4
_GROWTH_ALLOWANCE = 2**20
# tarfile reads a header as long as the archive says it is.
_LARGEST_READ = 2**20
_MAGIC_PLACE = 257


class TarStream:
    """A tar's bytes. position: number of bytes read; last: result of the last read.

    tarfile treats an unreadable header as the end of the archive; `check_end` distinguishes the two.
    """

    def __init__(self, joined: JoinedParts, report: Callable[[int], object]):
        self.position, self.last = 0, b""
        self._joined, self._report = joined, report
        self._limit = LARGEST_GROWTH * joined.size() + _GROWTH_ALLOWANCE
        self._source = io.BufferedReader(joined, _LARGEST_READ)
        self._packed = _is_packed(self._source, joined)
        if self._packed:
            self._source = bz2.BZ2File(self._source)

    def place(self) -> int:
        """Position in the joined parts."""
        return self._joined.tell() if self._packed else self.position

    def tell(self) -> int:
        return self.position

    def read(self, size: int) -> bytes:
        """At most `size` bytes, fewer only at the end; raises UserError for a size that no header of an LRW has."""
        if not 0 <= size <= _LARGEST_READ:
            raise UserError(f"the archive has a header of {size} bytes; it is not LRW as it was published.")
        self.last = self._source.read(size)
        self._advance(len(self.last))
        return self.last

    def read_exactly(self, size: int) -> bytes:
        """`size` bytes of any number; raises EOFError when there are fewer."""
        pieces = []
        while size:
            pieces.append(self.read(min(size, _LARGEST_READ)))
            size -= len(pieces[-1])
            if not pieces[-1]:
                raise EOFError("the archive ends within a file")
        return b"".join(pieces)

    def seek(self, position: int) -> int:
        """Skip forward to `position`; raises ReadError for a backward seek, which no valid archive needs."""
        if position < self.position:
            raise tarfile.ReadError("its headers lead back")
        if self._packed:
            while self.position < position and self.read(min(position - self.position, _LARGEST_READ)):
                pass
        else:
            self._source.seek(position)
            self._advance(position - self.position)
        return self.position

    def check_end(self) -> None:
        """Raises EOFError unless the last read was the mark of the archive's end, and ReadError for bytes behind it."""
        if len(self.last) < tarfile.BLOCKSIZE:
            raise EOFError("the archive has no end")
        while self.last:
            if self.last.count(0) != len(self.last):
                raise tarfile.ReadError("a header cannot be read")
            self.read(_LARGEST_READ)

    def _advance(self, count: int) -> None:
        self.position += count
        self._report(count)
        if self.position > self._limit:
            raise UserError(
                f"{self._joined.paths[0]} and its other parts unpack to more than {LARGEST_GROWTH} times their size; "
                "they are not LRW as it was published."
            )


def _is_packed(source: io.BufferedReader, joined: JoinedParts) -> bool:
    """Whether the parts are a tar.bz2; raises UserError unless they are that or a tar, by their first bytes."""
    start = source.read(tarfile.BLOCKSIZE)
    source.seek(0)
    if start.startswith(b"BZh"):
        return True
    if start[_MAGIC_PLACE:].startswith(b"ustar"):
        return False
    raise UserError(
        f"{joined.paths[0]} begins neither a tar nor a tar.bz2; fetch it again, and give the parts in their order."
    )
