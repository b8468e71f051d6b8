"""CREMA-D (Cao et al. 2014), fetched from its public home or taken from a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from dheads_model.config import settings
from dheads_model.corpora.crema_d import list_clips
from dheads_model.corpora.dataset import Dataset, SourceJob
from dheads_model.corpora.given_path import given_path
from dheads_model.corpora.hosts import Source
from dheads_model.files import sha256_of
from dheads_model.retry_policy import RetryPolicy

_TABLES = Path(__file__).resolve().parents[3] / "config" / "crema_d"


_SOURCES = (
    Source("git-lfs", "https://github.com/CheyneyComputerScience/CREMA-D.git"),
    Source(
        "files",
        "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/1658cd342dff90010aa843eaeebd53610a08b1dc/",
    ),
    Source("git-lfs", "https://gitlab.com/cs-cooper-lab/crema-d-mirror.git"),
)


@settings("crema_d")
class CremaDSettings:
    """CREMA-D: 7,442 clips of 91 actors, from its public home or a folder."""

    path: Annotated[
        str | None,
        Field(
            description="Folder with VideoFlash and AudioWAV (a download or a git-lfs clone). If set, nothing is downloaded. "
            "Its files are checked against the table."
        ),
    ] = None
    tables: Annotated[
        str | None,
        Field(
            description="Folder of the corpus' tables (objects, actors, sentences, bad objects); null for config/crema_d."
        ),
    ] = None
    actors: Annotated[
        tuple[int, ...] | None, Field(min_length=1, description="Actors to use, 1001 to 1091; null for all.")
    ] = None
    sources: Annotated[
        tuple[Source, ...],
        Field(min_length=1, description="Hosts, tried in this order for each file."),
    ] = _SOURCES
    connections: Annotated[
        int,
        Field(ge=1, le=16, description="Concurrent connections of a job to one host, and the job's threads."),
    ] = 4
    retry: RetryPolicy = RetryPolicy()


def _block(config: Mapping) -> dict:
    """The block crema_d with the folders that it names or leaves to the project."""
    block = config["crema_d"]
    return block | {
        "path": given_path(block["path"]) if block["path"] else None,
        "tables": given_path(block["tables"]) if block["tables"] else str(_TABLES),
    }


def _recipe(config: Mapping) -> dict:
    """Where the tables and the files lie does not decide what the data are; the table of the files does."""
    return {"objects": sha256_of(Path(_block(config)["tables"], "objects.tsv"))}


DATASET = Dataset(
    name="crema_d",
    settings=CremaDSettings,
    list_clips=lambda config: list_clips(config["crema_d"], _block(config)["tables"]),
    source=SourceJob(
        rule="fetch_crema_d",
        command="fetch_crema_d",
        settings=lambda config: {key: _block(config)[key] for key in ("path", "tables", "actors")},
        hosts=lambda config: {key: config["crema_d"][key] for key in ("sources", "connections", "retry")},
        recipe=_recipe,
        # A core a connection, so that few jobs ask the same host at once; profiles can limit `downloads` further.
        threads=lambda config: config["crema_d"]["connections"],
        downloads=1,
        minutes=240,
    ),
    planned_keys=lambda config: {"crema_d": _block(config)},
    frames_per_clip=64,  # 5.26 hours over 7,442 clips
    fetched_bytes=lambda config, size, done: 0 if done or config["crema_d"]["path"] else size,
)
