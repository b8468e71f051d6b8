"""Media of a corpus from its hosts: each object checked against its hash, several hosts in order, a few at a time."""

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

# Links of the batch API expire, so only so many are asked for at a time.
_LINKS_AT_ONCE = 50
# A host that refuses so many objects and has given none is not asked for the rest.
_GIVE_UP_AFTER = 3
log = logging.getLogger(__name__)


def is_there(item: CorpusObject, folder: Path | str) -> bool:
    """Whether the object lies in the folder with its size and hash."""
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
    """Bring the objects that are missing into the folder; {path: why it could not be had} of those that remain missing.

    Each source is asked in turn for what the ones before it did not give, over at most `connections` lines at once. A
    finished object is never fetched again. report: called with numbers of bytes. Raises UserError when no source gave
    anything: then it is not about single objects. One object that is missing alone, as after a shard was cut off, is.
    """
    missing = {item.path: item for item in objects if not is_there(item, folder)}
    asked, refusals, closed = len(missing), {path: [] for path in missing}, []
    for source in sources:
        if not missing:
            break
        refused, shut = _from_source(source, list(missing.values()), Path(folder), retry, connections, report)
        # One object alone cannot tell whether it is missing or the host gives nothing.
        if len(refused) == len(missing) and (shut or asked > 1):
            closed.append(next(iter(refused.values())))
        for path, why in refused.items():
            refusals[path].append(why)
        missing = {path: missing[path] for path in refused}
    if missing and len(closed) == len(sources) and len(missing) == asked:
        raise UserError(
            f"no host gives the {asked} objects that are missing ({'; '.join(dict.fromkeys(closed))}): try again later "
            "(what is fetched stays), add a mirror to crema_d.sources, or set crema_d.path to a folder that has them."
        )
    return {path: "; ".join(refusals[path]) for path in missing}


def _from_source(
    source: Source, wanted: list[CorpusObject], folder: Path, retry: RetryPolicy, connections: int, report
) -> tuple[dict[str, str], bool]:
    """({path: refusal} of the objects that this source did not give, whether it was asked in vain for links to them)."""
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
    """None when the object was fetched, else why not."""
    if isinstance(link, Refused):
        return str(link)
    try:
        # A session of its own: requests' sessions are not made for several threads.
        with requests.Session() as session:
            download(session, link, folder / item.path, Expected(item.bytes, item.sha256), retry, report)
    except Refused as problem:
        return str(problem)
    return None
