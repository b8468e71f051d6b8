"""One file over HTTP: resumed after an interruption, retried by a policy, renamed into place once size and hash are right."""

import email.utils
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from dheads_model.files import sha256_of
from dheads_model.retry_policy import RetryPolicy

# A block that a lost connection cuts in two is lost, so it is small.
_BLOCK = 1 << 14
# An attempt that receives this much is progress and is not counted, so that a connection that drops often succeeds.
_PROGRESS_BYTES = 1 << 18
TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_POINTER = b"version https://git-lfs"
_PAGES = (b"<!doctype", b"<html", b"<?xml")
log = logging.getLogger(__name__)


class Refused(Exception):
    """A host refuses this file, and a retry would not help; another host may have it. The message is one sentence."""


@dataclass(frozen=True)
class Expected:
    """What a file must be. bytes: None where the size is not published. sha256: whole, its first digits where only those
    are published, or "" where none is (the caller then records the hash of the file)."""

    bytes: int | None
    sha256: str

    def is_met(self, path: Path | str) -> bool:
        """Whether the file has this size and this hash."""
        right_size = self.bytes is None or os.path.getsize(path) == self.bytes
        return right_size and sha256_of(path).startswith(self.sha256)


@dataclass(frozen=True)
class Link:
    """Address of a file. headers and login (user, password) never show in messages."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)


def download(
    session: requests.Session,
    link: Link,
    target: Path | str,
    expected: Expected,
    retry: RetryPolicy,
    report: Callable[[int], object] = lambda count: None,
) -> None:
    """Fetch `link` to `target`, resuming from the partial file of an earlier attempt, also of a killed one.

    The bytes lie in a hidden file beside the target until size and sha256 are as expected; only then is it renamed.
    session: the calling thread's own. report is called with the number of new bytes (negative when some were
    discarded). Raises Refused when the host refuses (401, 403, 404, 410 and the like), sends a Git-LFS pointer, a page
    or another file, or when the attempts are used up.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = unfinished(target)
    idle, wrong, trouble = 0, 0, "no attempt was made"
    while idle < retry.attempts:
        before = _size(partial)
        asked = None
        try:
            if expected.bytes is None or before < expected.bytes:
                _receive(session, link, partial, before, expected, retry.timeout, report)
            if expected.is_met(partial):
                os.replace(partial, target)
                return
            report(-_size(partial))
            partial.unlink()
            wrong, trouble = wrong + 1, "it sent another file than expected (size or sha256 differ)"
            if wrong > 1:
                break
        except _TryAgain as problem:
            trouble, asked = str(problem), problem.wait
        except requests.RequestException as problem:
            trouble = _short(problem)
        idle = 0 if _size(partial) - before >= _PROGRESS_BYTES else idle + 1
        if idle < retry.attempts:
            seconds = retry.wait(max(idle - 1, 0), asked)
            log.warning("%s: %s; next attempt in %.1f s", _shown(link), trouble, seconds)
            time.sleep(seconds)
    raise Refused(f"{_shown(link)} failed {max(idle, wrong)} times, at last: {trouble}")


def unfinished(target: Path | str) -> Path:
    """Path of the partial file of `download`."""
    target = Path(target)
    return target.with_name(f".{target.name}.partial")


class _TryAgain(Exception):
    def __init__(self, message: str, wait: float | None = None):
        super().__init__(message)
        self.wait = wait


def _receive(
    session: requests.Session, link: Link, partial: Path, have: int, expected: Expected, timeout: float, report
) -> None:
    """Append what is missing to `partial`. Raises _TryAgain, Refused, requests' exceptions."""
    # Without "identity" a host may compress, and ranges and sizes would refer to the compressed bytes.
    headers = {"Accept-Encoding": "identity", **link.headers}
    if have:
        headers["Range"] = f"bytes={have}-"
    with session.get(link.url, headers=headers, auth=link.login, stream=True, timeout=timeout) as answer:
        have = _start_of(answer, link, partial, have, report)
        announced = int(answer.headers.get("Content-Length", -1))
        with open(partial, "ab" if have else "wb") as stream:
            came = 0
            for block in answer.iter_content(_BLOCK):
                if have + came == 0:
                    _refuse_stand_in(block, link, answer)
                if expected.bytes is not None and have + came + len(block) > expected.bytes:
                    partial.unlink()
                    raise Refused(f"{_shown(link)} sends more than the expected {expected.bytes} bytes")
                stream.write(block)
                came += len(block)
                report(len(block))
            stream.flush()
            os.fsync(stream.fileno())
    missing = (expected.bytes - have if expected.bytes is not None else announced) - came
    if missing > 0:
        raise _TryAgain(f"the connection was lost after {have + came} bytes")


def _start_of(answer: requests.Response, link: Link, partial: Path, have: int, report) -> int:
    """Offset from which the response continues `partial`; 0 when the host sends the whole file."""
    status = answer.status_code
    if status == 206:
        if answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            return have
        raise Refused(f"{_shown(link)} answers with another range than was asked for")
    if status == 200:
        report(-have)
        return 0
    if status == 416:
        report(-have)
        partial.unlink()
        raise _TryAgain("the host has fewer bytes than were fetched before", wait=0.0)
    if status in TRY_AGAIN:
        raise _TryAgain(f"the host answers {status} {answer.reason}", wait=retry_after(answer.headers))
    raise Refused(f"{_shown(link)} answers {status} {answer.reason}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, section 10.2.3: a number or a date), None without one."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _refuse_stand_in(block: bytes, link: Link, answer: requests.Response) -> None:
    start = block[:64].lstrip().lower()
    if start.startswith(_POINTER):
        raise Refused(f"{_shown(link)} gives a Git-LFS pointer instead of the file")
    if start.startswith(_PAGES) or answer.headers.get("Content-Type", "").startswith("text/html"):
        raise Refused(f"{_shown(link)} gives a web page instead of the file")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _shown(link: Link) -> str:
    """The address without a query, which may hold a signature."""
    return link.url.partition("?")[0]


def _short(problem: Exception) -> str:
    if isinstance(problem, requests.Timeout):
        return "no answer in time"
    if isinstance(problem, requests.ConnectionError):
        return "the host cannot be reached or the connection broke"
    if isinstance(problem, requests.exceptions.ChunkedEncodingError):
        return "the connection was lost"
    return type(problem).__name__
