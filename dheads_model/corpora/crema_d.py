"""CREMA-D (Cao et al. 2014): clips, splits and sentences from the pinned tables. Standard library only, no network."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from dheads_model.corpora.plan import SPLITS, PlannedClip
from dheads_model.errors import UserError

_NAME = re.compile(r"VideoFlash/((\d{4})_([A-Z]{3})_([A-Z]{3})_(XX|LO|MD|HI))\.flv")


@dataclass(frozen=True)
class CorpusObject:
    """One media file of the corpus: its path in the corpus' folder, its size and sha256."""

    path: str
    bytes: int
    sha256: str


def read_objects(tables: Path | str) -> dict[str, CorpusObject]:
    """Objects of objects.tsv by path. Raises UserError for a table that does not fit."""
    objects = {}
    for row in _rows(Path(tables, "objects.tsv"), ("path", "bytes", "sha256")):
        if not row["bytes"].isdigit() or not re.fullmatch("[0-9a-f]{64}", row["sha256"]):
            raise UserError(
                f"{Path(tables, 'objects.tsv')} has no size and sha256 for {row['path']}; restore the table."
            )
        objects[row["path"]] = CorpusObject(row["path"], int(row["bytes"]), row["sha256"])
    return objects


def read_bad_objects(tables: Path | str) -> dict[str, str]:
    """Reason by path of the objects that are never used."""
    return {row["path"]: row["reason"] for row in _rows(Path(tables, "bad_objects.tsv"), ("path", "reason"))}


def list_clips(settings: dict, tables: Path | str) -> list[PlannedClip]:
    """All clips of the configured actors, including those known to be bad, so that every clip has a status.

    settings: actors (list of numbers, None for all). A clip's `extra` holds object (its path in the tables), bytes and
    sha256. Raises UserError for an actor that the corpus does not have, and for tables that do not fit together.
    """
    splits = {row["actor"]: row["split"] for row in _rows(Path(tables, "actors.tsv"), ("actor", "split"))}
    sentences = {row["code"]: row["sentence"] for row in _rows(Path(tables, "sentences.tsv"), ("code", "sentence"))}
    chosen = set(splits) if settings["actors"] is None else {str(actor) for actor in settings["actors"]}
    if chosen - set(splits):
        raise UserError(
            f"config key crema_d.actors names {min(chosen - set(splits))}; the corpus has {min(splits)} to {max(splits)}."
        )
    clips = []
    for path, item in read_objects(tables).items():
        if not path.startswith("VideoFlash/"):
            continue
        name = _NAME.fullmatch(path)
        if not name or name[2] not in splits or name[3] not in sentences or splits[name[2]] not in SPLITS:
            raise UserError(f"{Path(tables, 'objects.tsv')}: {path} fits none of the tables beside it; restore them.")
        if name[2] in chosen:
            extra = {"object": path, "bytes": item.bytes, "sha256": item.sha256}
            clips.append(PlannedClip(name[1], name[2], splits[name[2]], sentences[name[3]], None, extra))
    return clips


def sound_object(clip: PlannedClip) -> str:
    """Path of the separate audio file of a clip, for videos without an audio track."""
    return f"AudioWAV/{clip.clip}.wav"


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="\t")
            rows = list(reader)
    except OSError as problem:
        raise UserError(f"{path} cannot be read ({problem.strerror}); restore it or set crema_d.tables.") from problem
    if not set(columns) <= set(reader.fieldnames or ()):
        raise UserError(f"{path} must have the columns {', '.join(columns)}; restore it.")
    return rows
