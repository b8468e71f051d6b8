"""Links to Git-LFS objects from the batch API of a repository (git-lfs, docs/api/batch.md)."""

import time
from collections.abc import Iterable

import requests

from dheads_model.download import TRY_AGAIN, Link, Refused, RetryPolicy, retry_after

_MEDIA_TYPE = "application/vnd.git-lfs+json"


def ask_for_links(
    session: requests.Session, repository: str, objects: Iterable[tuple[str, int]], retry: RetryPolicy
) -> dict[str, Link | Refused]:
    """Current download links of objects, by their sha256; Refused in place of a link that the host does not give.

    repository: its address as for `git clone`, ending in .git. objects: (sha256, bytes). Links expire within the hour:
    ask shortly before they are used. Raises Refused when the host gives no links at all (quota, no such repository,
    not to be reached).
    """
    address = f"{repository}/info/lfs/objects/batch"
    wanted = [{"oid": sha256, "size": size} for sha256, size in objects]
    body = {"operation": "download", "transfers": ["basic"], "hash_algo": "sha256", "objects": wanted}
    headers = {"Accept": _MEDIA_TYPE, "Content-Type": _MEDIA_TYPE}
    for attempt in range(1, retry.attempts + 1):
        try:
            answer = session.post(address, json=body, headers=headers, timeout=retry.timeout)
        except requests.RequestException as problem:
            raise Refused(f"{address} cannot be reached ({type(problem).__name__})") from problem
        if answer.status_code not in TRY_AGAIN or attempt == retry.attempts:
            break
        time.sleep(retry.wait(attempt - 1, retry_after(answer.headers)))
    if answer.status_code != 200:
        raise Refused(f"{address} answers {answer.status_code} {answer.reason}{_message(answer)}")
    try:
        given = {item["oid"]: item for item in answer.json()["objects"]}
        return {one["oid"]: _link(given.get(one["oid"], {}), address) for one in wanted}
    except (ValueError, KeyError, TypeError) as problem:
        raise Refused(f"{address} gives an answer that is not of the batch API") from problem


def _link(item: dict, address: str) -> Link | Refused:
    if "error" in item:
        return Refused(f"{address} refuses the object: {item['error'].get('code')} {item['error'].get('message')}")
    action = item.get("actions", {}).get("download")
    if action is None:
        return Refused(f"{address} does not know the object")
    return Link(action["href"], action.get("header", {}))


def _message(answer: requests.Response) -> str:
    """The host's message, for instance that the repository is over its data quota."""
    try:
        return f": {str(answer.json()['message'])[:200]}"
    except (ValueError, KeyError, TypeError):
        return ""
