"""LRW from the corpus' host with a licensee's login: seven parts, checked, unpacked, listed."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests
from tqdm import tqdm

from dheads_model.corpora.lrw.credentials import PASSWORD, USER, Credentials, read_credentials
from dheads_model.corpora.lrw.index import build_index
from dheads_model.corpora.lrw.parts import CHECKSUMS, PART_NAMES, record_parts
from dheads_model.corpora.lrw.unpack import extract_parts
from dheads_model.download import Expected, Link, Refused, RetryPolicy, download, unfinished
from dheads_model.errors import UserError
from dheads_model.files import readable_size


@dataclass(frozen=True)
class FetchSettings:
    """The keys of the config block `lrw` about the host; `corpora/datasets/lrw.py` describes each."""

    url: str
    retry: RetryPolicy


def fetch_corpus(settings: FetchSettings, folder: Path, corpus: Path) -> dict:
    """Fetch the parts to `folder`, check, unpack to `corpus` and list it; returns a summary. Raises UserError as its steps do."""
    parts: Sequence[Path] = fetch_parts(settings, read_credentials(os.environ), folder)
    record_parts(parts)
    size = sum(part.stat().st_size for part in parts)
    with tqdm(total=size, unit="B", unit_scale=True, mininterval=5, desc="unpack", file=sys.stderr) as bar:
        extraction = extract_parts(parts, corpus, bar.update)
    found = build_index(corpus, corpus / "index.tsv", read_texts=False)
    recorded = Path(folder, CHECKSUMS).read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in recorded)}
    return {
        "parts": sums, "bytes": size, "files": extraction.written + extraction.kept, "clips": found.clips,
        "words": found.words, "refused": found.refused, "refused_names": found.refused_names,
    }  # fmt: skip


def fetch_parts(settings: FetchSettings, login: Credentials, folder: Path) -> list[Path]:
    """Paths of the seven parts, downloaded if they are missing; a partial download is resumed.

    Raises UserError when the host refuses, and when the disk has no room for what is missing, packed and unpacked.
    """
    parts = [folder / name for name in PART_NAMES]
    links = {part: Link(f"{settings.url.rstrip('/')}/{part.name}", login=login.login()) for part in parts}
    missing = [part for part in parts if not part.is_file()]
    with requests.Session() as session:
        sizes = {part: announced_size(session, links[part], settings.retry.timeout) for part in missing}
        _check_room(folder, sizes)
        for part in missing:
            with tqdm(
                total=sizes[part], unit="B", unit_scale=True, mininterval=5, desc=part.name, file=sys.stderr
            ) as bar:
                try:
                    download(session, links[part], part, Expected(sizes[part], ""), settings.retry, bar.update)
                except Refused as problem:
                    raise UserError(_refusal(problem)) from problem
    return parts


def announced_size(session: requests.Session, link: Link, timeout: float) -> int | None:
    """Size in bytes that the host states for a file, None where it does not or cannot be asked."""
    try:
        answer = session.head(
            link.url, auth=link.login, timeout=timeout, headers={"Accept-Encoding": "identity"}, allow_redirects=True
        )
    except requests.RequestException:
        return None
    size = answer.headers.get("Content-Length", "")
    return int(size) if answer.ok and size.isdigit() else None


def _check_room(folder: Path, sizes: Mapping[Path, int | None]) -> None:
    """Check the disk space for the missing parts and their content; partial downloads count."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    packed = sum(size for size in sizes.values() if size)
    fetched = sum(unfinished(part).stat().st_size for part in sizes if unfinished(part).is_file())
    need = packed - fetched + packed
    print(f"LRW: {readable_size(packed - fetched)} to fetch, {readable_size(packed)} to unpack; {readable_size(free)} are free",
          file=sys.stderr)  # fmt: skip
    if need > free:
        raise UserError(
            f"{folder.resolve()} has {readable_size(free)} free and LRW needs {readable_size(need)}, packed and unpacked: "
            "make room, or work on a larger disk with --directory."
        )


def _refusal(problem: Refused) -> str:
    if " answers 401 " in str(problem) or " answers 403 " in str(problem):
        return f"{problem}: it does not accept {USER} and {PASSWORD}; check both against the mail that came with the licence."
    return f"{problem}: try again later (what is fetched stays), or set the config key lrw.path to an unpacked lipread_mp4."
