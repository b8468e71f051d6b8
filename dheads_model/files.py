"""Atomic writing of files: temporary name beside the target, fsync, rename."""

import contextlib
import glob
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """A temporary path beside `target` with its suffix; on success it is synced to disk and renamed to `target`.

    On any exception the temporary file is removed and `target` is unchanged. Stale temporary files of killed processes
    with the same target are removed.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f".{glob.escape(target.stem)}.*.partial{glob.escape(target.suffix)}"):
        if not _is_running(stale.name.split(".partial")[0].rpartition(".")[2]):
            stale.unlink(missing_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")
    try:
        yield temporary
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def write_bytes(target: Path | str, content: bytes) -> None:
    """Write `content` to `target`, atomically."""
    with atomic_path(target) as path:
        path.write_bytes(content)


def write_text(target: Path | str, content: str) -> None:
    """Write `content` to `target` as UTF-8, atomically."""
    write_bytes(target, content.encode())


def write_json(target: Path | str, content) -> None:
    """Write `content` as JSON with sorted keys and one-space indent, atomically; NaN is refused."""
    write_text(target, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def sha256_of(path: Path | str) -> str:
    """Hex sha256 of a file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def readable_size(count: int) -> str:
    """A size with at least three significant digits, in the largest suitable unit, for instance 83.1 GB."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.{0 if count >= 100 * unit else 1 if count >= 10 * unit else 2}f} {name}"
    return f"{count} bytes"
