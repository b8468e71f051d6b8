"""One speaker of GRID from the corpus' hosts: archives of clips and of word times, verified, unpacked."""

import logging
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from tqdm import tqdm

from dheads_model.corpora.grid.hashes import known_hash, record_hash, record_of
from dheads_model.corpora.grid.names import ALIGNMENT, VIDEO
from dheads_model.corpora.grid.unpack import Damaged, unpack
from dheads_model.download import Expected, Link, Refused, RetryPolicy, download
from dheads_model.errors import UserError
from dheads_model.files import sha256_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpeakerSource:
    """A host: addresses of a speaker's archives, in which {speaker} stands for s1, s2, ...; alignments None: has none."""

    video: str
    alignments: str | None


@dataclass(frozen=True)
class FetchSettings:
    """The keys of the config block `grid` that the job needs; `corpora/datasets/grid.py` describes each."""

    sources: tuple[SpeakerSource, ...]
    hashes: str | None
    alignments: bool
    clips_per_speaker: int | None
    retry: RetryPolicy


def fetch_speaker(speaker: int, settings: FetchSettings, corpus: Path, downloads: Path, hashes: Path) -> dict:
    """Fetch a speaker's archives to `downloads`/sN, unpack the used clips to `corpus`/sN, delete the archives; a summary.

    hashes: folder of the recorded sha256. Sources are tried in order, for clips and word times alike. An interrupted
    download resumes. Raises UserError when no source gives an archive, and for an archive that is refused.
    """
    kinds = {VIDEO: [source.video for source in settings.sources]}
    if settings.alignments:
        # Small, so that a missing one is noticed before the clips are downloaded.
        kinds = {ALIGNMENT: [source.alignments for source in settings.sources if source.alignments]} | kinds
    summary: dict = {"speaker": f"s{speaker}", "clips_per_speaker": settings.clips_per_speaker, "archives": {}}
    for ending, addresses in kinds.items():
        archive, address = _fetch(speaker, ending, addresses, settings, downloads, hashes)
        sha256 = sha256_of(archive)
        try:
            done = unpack(archive, corpus / f"s{speaker}", speaker, ending, settings.clips_per_speaker)
        except Damaged as problem:
            archive.unlink()
            raise UserError(f"{problem}; it was removed, run again to fetch it anew.") from problem
        except UserError:
            archive.unlink()
            raise
        record_hash(archive.name, sha256, hashes)
        summary["archives"][archive.name] = {"address": address, "bytes": archive.stat().st_size, "sha256": sha256}
        summary["clips" if ending == VIDEO else "alignments"] = len(done.sentences)
        summary.setdefault("left_out", []).extend(done.left_out[:100])
    shutil.rmtree(downloads / f"s{speaker}")
    return summary


def _fetch(
    speaker: int, ending: str, addresses: Sequence[str], settings: FetchSettings, downloads: Path, hashes: Path
) -> tuple[Path, str]:
    """(path of the archive of the first source that gives it, its address)."""
    refusals = []
    for pattern in addresses:
        address = pattern.replace("{speaker}", f"s{speaker}")
        name = unquote(urlsplit(address).path.rsplit("/", 1)[-1])
        target = downloads / f"s{speaker}" / name
        known = known_hash(name, settings.hashes, hashes)
        if target.is_file() and (not known or sha256_of(target) == known):
            return target, address
        try:
            with requests.Session() as session, tqdm(
                unit="B", unit_scale=True, mininterval=5, desc=name, file=sys.stderr
            ) as bar:  # fmt: skip
                download(session, Link(address), target, Expected(None, known), settings.retry, bar.update)
            return target, address
        except Refused as problem:
            where = settings.hashes if settings.hashes else record_of(name, hashes)
            known_where = f" (expected sha256: {where})" if known and "another file" in str(problem) else ""
            refusals.append(f"{problem}{known_where}")
            log.warning("%s%s", problem, known_where)
    what = "the clips" if ending == VIDEO else "the word times"
    without = "" if ending == VIDEO else ", set grid.alignments: false to do without them"
    raise UserError(
        f"no source gives {what} of speaker s{speaker} ({'; '.join(refusals) or 'grid.sources names none'}): try again later "
        f"(what was received is kept), leave {speaker} out of grid.speakers, add a mirror to grid.sources{without}, or set "
        "grid.path to a folder that has them."
    )
