"""Any folder of talking clips, with an optional table of speakers, splits and transcripts. Standard library only."""

import csv
import difflib
import os
import re
from pathlib import Path

from dheads_model.corpora.plan import SPLITS, PlannedClip, assign_splits
from dheads_model.errors import UserError

EXTENSIONS = (".mp4", ".m4v", ".mov", ".mpg", ".mpeg", ".flv", ".mkv", ".avi", ".webm")
COLUMNS = ("clip", "speaker", "split", "transcript")


def list_clips(settings: dict, folder: str, all_test: bool) -> list[PlannedClip]:
    """Clips of a folder and its subfolders, sorted by path; nothing is opened but the table.

    settings: table (CSV in the folder, or None), validation_fraction, test_fraction. The speaker is the table's, else
    the first subfolder, else each clip is a speaker of its own. all_test: where the table names no splits, every clip
    is a test clip. Raises UserError for a missing folder, one without videos, and a table that does not fit.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f"config key clips names {folder}, which is not a folder; give the folder with your videos.")
    files = _videos(root)
    if not files:
        raise UserError(f"{folder} holds no video ({', '.join(EXTENSIONS)}); give the folder with your videos.")
    ids = _clip_ids(files)
    rows = _read_table(root, settings["table"], ids) if settings["table"] else {}
    speakers = {path: rows.get(path, {}).get("speaker") or _speaker_of(path, ids[path]) for path in files}
    splits = _splits(files, rows, speakers, settings, all_test)
    clips = []
    for path in files:
        facts = os.stat(root / path)
        extra = {"bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns}
        transcript = rows.get(path, {}).get("transcript") or ""
        clips.append(PlannedClip(ids[path], speakers[path], splits[path], transcript, str(root / path), extra))
    return clips


def _videos(root: Path) -> list[str]:
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in names:
            if name.lower().endswith(EXTENSIONS) and not name.startswith("."):
                found.append(Path(folder, name).relative_to(root).as_posix())
    return sorted(found)


def _clip_ids(files: list[str]) -> dict[str, str]:
    """Path -> id: the path without its extension, other characters than [A-Za-z0-9_-] as underscores."""
    ids: dict[str, str] = {}
    owner: dict[str, str] = {}
    for path in files:
        name = re.sub(r"[^A-Za-z0-9_-]", "_", os.path.splitext(path)[0])
        if name in owner:
            raise UserError(f"{owner[name]} and {path} give the same clip id {name}; rename one of them.")
        owner[name] = path
        ids[path] = name
    return ids


def _speaker_of(path: str, clip: str) -> str:
    first, _, rest = path.partition("/")
    return re.sub(r"[^A-Za-z0-9_-]", "_", first) if rest else clip


def _read_table(root: Path, table: str, ids: dict[str, str]) -> dict[str, dict[str, str]]:
    """Rows of the table by path. A row names its clip by path, by path without extension, or by id."""
    path = root / table
    if not path.is_file():
        raise UserError(f"config key folder.table names {table}, which is not in {root}.")
    names = {alias: file for file, clip in ids.items() for alias in (file, os.path.splitext(file)[0], clip)}
    rows: dict[str, dict[str, str]] = {}
    with open(path, encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        _check_columns(path, reader.fieldnames or [])
        for row in reader:
            where = f"{path} line {reader.line_num}"
            file = names.get(row["clip"])
            if file is None:
                near = difflib.get_close_matches(row["clip"], list(names), n=1, cutoff=0.4)
                raise UserError(f"{where} names clip {row['clip']!r}, which is not in the folder{_hint(near)}.")
            if file in rows:
                raise UserError(f"{where} names clip {row['clip']!r} for the second time; keep one row.")
            if row.get("split") and row["split"] not in SPLITS:
                raise UserError(f"{where} has split {row['split']!r}; it must be one of {', '.join(SPLITS)}.")
            rows[file] = {key: (row.get(key) or "").strip() for key in COLUMNS}
    return rows


def _check_columns(path: Path, columns) -> None:
    for column in columns:
        if column not in COLUMNS:
            near = difflib.get_close_matches(column, COLUMNS, n=1, cutoff=0.4)
            raise UserError(f"{path} has a column {column!r}; known are {', '.join(COLUMNS)}{_hint(near)}.")
    if "clip" not in columns:
        raise UserError(f"{path} has no column clip; its first line must name the columns, of {', '.join(COLUMNS)}.")


def _hint(near: list[str]) -> str:
    return f"; did you mean {near[0]}?" if near else ""


def _splits(files, rows, speakers, settings, all_test: bool) -> dict[str, str]:
    named = {path: rows[path]["split"] for path in files if rows.get(path, {}).get("split")}
    if named:
        missing = [path for path in files if path not in named]
        if missing:
            raise UserError(
                f"the table names a split for some clips but not for {missing[0]}; name it for all or none."
            )
        home: dict[str, str] = {}
        for path in files:
            if home.setdefault(speakers[path], named[path]) != named[path]:
                raise UserError(f"speaker {speakers[path]} is in two splits ({home[speakers[path]]}, {named[path]}).")
        return named
    if all_test:
        return dict.fromkeys(files, "test")
    by_speaker = assign_splits(speakers.values(), settings["validation_fraction"], settings["test_fraction"])
    return {path: by_speaker[speakers[path]] for path in files}
