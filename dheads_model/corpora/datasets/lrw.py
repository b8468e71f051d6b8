"""Lip Reading in the Wild (Chung & Zisserman 2016), fetched with a licensee's login or taken from a folder."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from dheads_model.config import settings, short_hash
from dheads_model.corpora.dataset import CorpusFetch, Dataset, SourceJob
from dheads_model.corpora.given_path import given_path
from dheads_model.corpora.lrw import index
from dheads_model.corpora.lrw.credentials import PASSWORD, USER, read_credentials
from dheads_model.corpora.plan import PlannedClip, ShardOutline, outline_counts
from dheads_model.errors import UserError
from dheads_model.retry_policy import RetryPolicy

# Where fetch_lrw unpacks the corpus, with the table of its clips and, written last, the account of the whole.
_CORPUS = "resources/lrw/corpus"
_INDEX, _ACCOUNT = f"{_CORPUS}/index.tsv", f"{_CORPUS}/fetched.json"
# A mean clip of about 70 GB; only the disk's room is reckoned with it.
_CLIP_BYTES = 130_000


@settings("lrw.clips")
class ClipCounts:
    """Published numbers of clips. A run that downloads the corpus is planned with them."""

    train: Annotated[int, Field(ge=0, description="Clips in the folders train.")] = 488766
    val: Annotated[int, Field(ge=0, description="Clips in the folders val.")] = 25000
    test: Annotated[int, Field(ge=0, description="Clips in the folders test.")] = 25000


@settings("lrw")
class LrwSettings:
    """LRW: 538,766 clips of one spoken word each, licensed by the BBC; see docs/lrw.md."""

    path: Annotated[
        str | None,
        Field(description="The unpacked folder lipread_mp4, or its parent; null: the corpus is downloaded."),
    ] = None
    url: Annotated[
        str,
        Field(description="URL of the folder with the seven parts; the host needs LRW_USER and LRW_PASSWORD."),
    ] = "https://thor.robots.ox.ac.uk/~vgg/data/lip_reading/data1/"
    clips: ClipCounts = ClipCounts()
    test_list: Annotated[
        str | None,
        Field(
            description="Text file with one test clip per line (WORD/test/WORD_00001 or WORD_00001), instead of the folder test."
        ),
    ] = None
    framing: Annotated[
        Literal["aligned", "as_distributed"],
        Field(
            description="aligned: align to the mean face, as for other corpora. as_distributed: use the whole frame, resized to "
            "crop.size."
        ),
    ] = "aligned"
    retry: RetryPolicy = RetryPolicy()


def _block(config: Mapping) -> dict:
    """The block lrw with the folder and the list that it names."""
    block = config["lrw"]
    return block | {key: given_path(block[key]) if block[key] else None for key in ("path", "test_list")}


def _is_here(config: Mapping) -> bool:
    """Whether the folder is given, or was fetched: its account is written last, a folder without it is half unpacked."""
    return bool(config["lrw"]["path"]) or Path(_ACCOUNT).is_file()


def _list_clips(config: Mapping) -> list[PlannedClip]:
    """Clips from the table of clips; that of a given folder is made where there is none, delete it to walk again."""
    block = _block(config)
    if not block["path"]:
        return index.list_clips(_INDEX, _CORPUS, block["test_list"])
    # Each folder has a table of its own.
    table = Path(f"resources/lrw/index-{short_hash(block['path'])}.tsv")
    if not table.is_file():
        index.build_index(block["path"], table, read_texts=False)
    return index.list_clips(table, block["path"], block["test_list"])


def _outlines(config: Mapping) -> list[ShardOutline] | None:
    """A fetched corpus is outlined by numbers of clips alone: those counted when it was unpacked, else the config's.

    So one command fetches and prepares it, and the graph is the same before and after.
    """
    if config["lrw"]["path"]:
        return None
    listed = _block(config)["test_list"]
    counts = _counted() or config["lrw"]["clips"]
    counts = index.counts_with_list(counts, listed) if listed else counts
    corpus = hashlib.sha256(Path(listed).read_bytes()).hexdigest() if listed else ""
    return outline_counts(counts, config["sharding"]["clips_per_shard"], _CLIP_BYTES, corpus)


def _counted() -> dict[str, int] | None:
    """Number of clips by split of the fetched corpus, None where it is not here; raises UserError for an unusable account."""
    try:
        return json.loads(Path(_ACCOUNT).read_text(encoding="utf-8"))["clips"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as problem:
        raise UserError(f"{_ACCOUNT} is not usable ({problem}); delete it to unpack the parts again.") from problem


def _absent(config: Mapping) -> str:
    """Why LRW cannot be had: it is not here and there is no login."""
    if not _is_here(config):
        try:
            read_credentials(os.environ)
        except UserError as problem:
            return str(problem)
    return ""


def _check(config: Mapping) -> None:
    if "@" in urlsplit(config["lrw"]["url"]).netloc:
        raise UserError(
            f"config key lrw.url holds a name or password, and a config is kept with the results: write the address alone and "
            f"set the environment variables {USER} and {PASSWORD}."
        )


DATASET = Dataset(
    name="lrw",
    settings=LrwSettings,
    list_clips=_list_clips,
    source=SourceJob(
        rule="adopt_lrw",
        command="adopt_lrw",
        # The clips of a fetched corpus are planned by numbers alone, so what lists them counts as code.
        more_code=("dheads_model.corpora.lrw.index",),
        minutes=60,
    ),
    planned_keys=lambda config: {"lrw": _block(config)},
    outlines=_outlines,
    absent=_absent,
    fetch=CorpusFetch(
        rule="fetch_lrw",
        product="resources/lrw/fetched.json",
        settings=lambda config: {key: config["lrw"][key] for key in ("url", "retry")},
        folders={"--parts-folder": "resources/lrw/parts", "--corpus-folder": _CORPUS},
        needed=lambda config: not config["lrw"]["path"],
    ),
    framing=lambda config: config["lrw"]["framing"],
    frames_per_clip=29,
    # Packed and unpacked.
    fetched_bytes=lambda config, size, done: 0 if _is_here(config) else 2 * size,
    check=_check,
)
