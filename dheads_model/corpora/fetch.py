"""Download of a corpus' media: every object is verified by its hash; several sources in order, concurrent connections."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import requests

from dheads_model.corpora.crema_d import CorpusObject
from dheads_model.corpora.hosts import Source
from dheads_model.download import Expected, Link, Refused, RetryPolicy, download
from dheads_model.errors import UserError
from dheads_model.git_lfs import ask_for_links

# Number of links per request of the batch API, because links expire.
_LINKS_AT_ONCE = 50
# After this number of refusals without a success, a host is not asked for the rest.
_GIVE_UP_AFTER = 3
log = logging.getLogger(__name__)


def is_there(item: CorpusObject, folder: Path | str) -> bool:
    """Whether the object is in the folder with the right size and hash."""
    path = Path(folder, item.path)
    return path.is_file() and Expected(item.bytes, item.sha256).is_met(path)


def fetch_objects(
    objects: Iterable[CorpusObject],
    folder: Path | str,
    sources: Sequence[Source],
    retry: RetryPolicy,
    connections: int,
    report: Callable[[int], object] = lambda count: None,
) -> dict[str, str]:
    """Download the missing objects into the folder; {path: reason} of those that could not be downloaded.

    Each source is asked for the objects that the previous ones did not deliver, over at most `connections` concurrent
    connections. A finished object is never downloaded again. report: called with numbers of bytes. Raises UserError when
    no source delivered anything, because then the hosts are the cause; but not for a single missing object, as after an
    interrupted shard.
    """
    missing = {item.path: item for item in objects if not is_there(item, folder)}
    asked, refusals, closed = len(missing), {path: [] for path in missing}, []
    for source in sources:
        if not missing:
            break
        refused, shut = _from_source(source, list(missing.values()), Path(folder), retry, connections, report)
        # With a single object a missing object cannot be distinguished from a failing host.
        if len(refused) == len(missing) and (shut or asked > 1):
            closed.append(next(iter(refused.values())))
        for path, why in refused.items():
            refusals[path].append(why)
        missing = {path: missing[path] for path in refused}
    if missing and len(closed) == len(sources) and len(missing) == asked:
        raise UserError(
            f"no host delivers the {asked} missing objects ({'; '.join(dict.fromkeys(closed))}): try again later "
            "(finished downloads are kept), add a mirror to crema_d.sources, or set crema_d.path to a folder that has them."
        )
    return {path: "; ".join(refusals[path]) for path in missing}


def _from_source(
    source: Source, wanted: list[CorpusObject], folder: Path, retry: RetryPolicy, connections: int, report
) -> tuple[dict[str, str], bool]:
    """({path: refusal} of the objects that this source did not deliver, whether it refused to give links to them)."""
    refused: dict[str, str] = {}
    given = 0
    with requests.Session() as session, ThreadPoolExecutor(connections) as pool:
        for start in range(0, len(wanted), _LINKS_AT_ONCE):
            group = wanted[start : start + _LINKS_AT_ONCE]
            try:
                links = _links(session, source, group, retry)
            except Refused as problem:
                log.warning("%s", problem)
                return refused | {item.path: str(problem) for item in wanted[start:]}, True
            for first in range(0, len(group), connections):
                some = group[first : first + connections]
                results = pool.map(lambda item: _one(links[item.path], item, folder, retry, report), some)  # noqa: B023
                for item, problem in zip(some, results, strict=True):
                    if problem is None:
                        given += 1
                    else:
                        log.warning("%s: %s", item.path, problem)
                        refused[item.path] = problem
                if not given and len(refused) >= _GIVE_UP_AFTER:
                    rest = wanted[start + first + len(some) :]
                    return refused | {item.path: next(iter(refused.values())) for item in rest}, False
    return refused, False


def _links(
    session: requests.Session, source: Source, group: list[CorpusObject], retry: RetryPolicy
) -> dict[str, Link | Refused]:
    if source.kind == "files":
        return {item.path: Link(f"{source.url.rstrip('/')}/{quote(item.path)}") for item in group}
    links = ask_for_links(session, source.url, [(item.sha256, item.bytes) for item in group], retry)
    return {item.path: links[item.sha256] for item in group}


def _one(link: Link | Refused, item: CorpusObject, folder: Path, retry: RetryPolicy, report) -> str | None:
    """None when the object was downloaded, else the reason."""
    if isinstance(link, Refused):
        return str(link)
    try:
        # A separate session, because requests' sessions are not thread-safe.
        with requests.Session() as session:
            download(session, link, folder / item.path, Expected(item.bytes, item.sha256), retry, report)
    except Refused as problem:
        return str(problem)
    return None
