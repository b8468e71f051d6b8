"""Clips of CREMA-D, downloaded if missing; every file is checked against the pinned table."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from dheads_model.corpora.crema_d import CorpusObject, read_bad_objects, read_objects, sound_object
from dheads_model.corpora.fetch import Source, fetch_objects, is_there
from dheads_model.corpora.plan import PlannedClip
from dheads_model.corpora.source import source_facts
from dheads_model.download import RetryPolicy
from dheads_model.errors import ClipFailed, ClipFiltered
from dheads_model.manifest import Outcome, process_clips
from dheads_model.media.container import probe


@dataclass(frozen=True)
class FetchSettings:
    """The config block `crema_d` as a job gets it; `corpora/datasets/crema_d.py` describes each key."""

    path: str | None
    tables: str
    actors: tuple[int, ...] | None
    sources: tuple[Source, ...]
    connections: int
    retry: RetryPolicy


class Corpus:
    """The corpus' folder and its downloads. Refusals are kept as reasons of missing clips."""

    def __init__(self, folder: Path, settings: FetchSettings):
        self.folder, self.settings = folder, settings
        self.objects, self.bad = read_objects(settings.tables), read_bad_objects(settings.tables)
        self.refusals: dict[str, str] = {}

    def fetch(self, paths: list[str]) -> None:
        """Download missing objects; a given folder is not changed."""
        if self.settings.path is not None:
            return
        items = [self.objects[path] for path in paths]
        done = sum(item.bytes for item in items if is_there(item, self.folder))
        with tqdm(total=sum(item.bytes for item in items), initial=done, unit="B", unit_scale=True, mininterval=5,
                  file=sys.stderr, desc="fetch") as progress:  # fmt: skip
            self.refusals |= fetch_objects(
                items, self.folder, self.settings.sources, self.settings.retry, self.settings.connections,
                progress.update,
            )  # fmt: skip

    def find(self, item: CorpusObject) -> Path:
        """Path of a checked object; raises ClipFailed when it is not there or not the right one."""
        path = self.folder / item.path
        if is_there(item, self.folder):
            return path
        if item.path in self.refusals:
            raise ClipFailed("not_fetched", self.refusals[item.path])
        if not path.is_file():
            raise ClipFailed("missing_file", f"{path} is not there")
        with open(path, "rb") as stream:
            if stream.read(23) == b"version https://git-lfs":
                raise ClipFailed("missing_file", f"{path} is a Git-LFS pointer; run `git lfs pull` in that clone")
        raise ClipFailed("source_changed", f"{path} differs from the file in the table (size or sha256)")


def source_of(clip: PlannedClip, corpus: Corpus) -> dict:
    """Facts of one clip; where the video has no audio stream, the corpus' separate audio file takes its place."""
    item = corpus.objects[clip.extra["object"]]
    if item.path in corpus.bad:
        raise ClipFiltered("listed_bad", corpus.bad[item.path])
    path = corpus.find(item)
    media = probe(path)
    facts = source_facts(clip, path, item.sha256, media)
    if media.audio_codec is None:
        name = sound_object(clip)
        if name not in corpus.objects or name in corpus.bad:
            raise ClipFiltered("no_audio", f"{path.name} has no sound track and {name} is no substitute")
        corpus.fetch([name])
        facts["sound"] = {"path": str(corpus.find(corpus.objects[name])), "bytes": corpus.objects[name].bytes}
        facts["video_start"] = media.video_start
    return facts


def fetch_shard(clips: Sequence[PlannedClip], settings: FetchSettings, folder: Path) -> list[Outcome]:
    """Fetch the planned clips of a shard to `folder`, or find them where settings.path names one; returns the outcome of each."""
    corpus = Corpus(Path(settings.path or folder), settings)
    corpus.fetch([clip.extra["object"] for clip in clips if clip.extra["object"] not in corpus.bad])
    return process_clips(((clip.clip, clip) for clip in clips), lambda _, clip: source_of(clip, corpus))
