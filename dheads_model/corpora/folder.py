"""Any folder of talking clips, with an optional table of speakers, splits and transcripts. Standard library only."""

import csv
import difflib
import os
import unicodedata
from pathlib import Path

from dheads_model.corpora.listing import files_below
from dheads_model.corpora.names import plain_id, shown_path, unique_ids
from dheads_model.corpora.plan import SPLITS, PlannedClip, assign_splits
from dheads_model.errors import UserError

EXTENSIONS = (".mp4", ".m4v", ".mov", ".mpg", ".mpeg", ".flv", ".mkv", ".avi", ".webm")
COLUMNS = ("clip", "speaker", "split", "transcript")


def list_clips(settings: dict, folder: str, all_test: bool) -> list[PlannedClip]:
    """Clips of a folder and its subfolders, sorted by path; nothing is opened but the table. Links are followed.

    settings: table (CSV in the folder, or None), validation_fraction, test_fraction. The speaker is the table's, else
    the first subfolder, else each clip is a separate speaker. all_test: if the table names no splits, every clip
    is a test clip. A file that cannot be used because of its name, or a dangling link, is planned too: its `extra` has the
    reason as `unusable`, or lacks `bytes`. Raises UserError for a missing folder, one without videos, and a table that
    does not match.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise UserError(f"config key clips names {folder}, which is not a folder; give the folder with your videos.")
    files = _videos(root)
    if not files:
        raise UserError(f"{folder} holds no video ({', '.join(EXTENSIONS)}); give the folder with your videos.")
    ids = _clip_ids(files)
    rows = _read_table(root, settings["table"], ids) if settings["table"] else {}
    own = _speakers(files, ids)
    speakers = {path: rows.get(path, {}).get("speaker") or own[path] for path in files}
    splits = _splits(files, rows, speakers, settings, all_test)
    return [
        _planned(root, path, ids[path], speakers[path], splits[path], rows.get(path, {}).get("transcript") or "")
        for path in files
    ]


def _videos(root: Path) -> list[str]:
    return [path for path in files_below(root) if path.lower().endswith(EXTENSIONS)]


def _clip_ids(files: list[str]) -> dict[str, str]:
    """Path -> id: the path without its extension as `plain_id`, made unique (a.mpg beside a.mpeg)."""
    return unique_ids({path: plain_id(os.path.splitext(path)[0], path) for path in files})


def _speakers(files: list[str], ids: dict[str, str]) -> dict[str, str]:
    """Path -> speaker: its first subfolder, or a separate speaker; two folders are never one speaker."""
    homes = {path: path.split("/")[0] if "/" in path else None for path in files}
    folders = {f"{home}/": plain_id(home, home) for home in homes.values() if home is not None}
    alone = {path: ids[path] for path, home in homes.items() if home is None}
    names = unique_ids(folders | alone)
    return {path: names[path if home is None else f"{home}/"] for path, home in homes.items()}


def _planned(root: Path, path: str, clip: str, speaker: str, split: str, transcript: str) -> PlannedClip:
    """A clip with its size and time; an unusable file is planned too, and fails when it is adopted."""
    place = str(root / path)
    return PlannedClip(clip, speaker, split, transcript, shown_path(place), _file_facts(place))


def _file_facts(place: str) -> dict:
    if shown_path(place) != place:
        return {"unusable": "its name is no UTF-8 text; rename it"}
    try:
        facts = os.stat(place)
    except FileNotFoundError:
        return {}  # a dangling link, which gets the reason missing_file when it is adopted
    except OSError as problem:
        return {"unusable": f"it cannot be read ({problem.strerror})"}
    return {"bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns}


def _read_table(root: Path, table: str, ids: dict[str, str]) -> dict[str, dict[str, str]]:
    """Rows of the table by path. A row names its clip by path, by path without extension, or by id."""
    path = root / table
    if not path.is_file():
        raise UserError(f"config key folder.table names {table}, which is not in {root}.")
    # Errors quote the table, and an untrusted folder may contain links to private files.
    if not path.resolve().is_relative_to(root.resolve()):
        raise UserError(f"config key folder.table names {table}, which lies outside of {root}; copy it there.")
    names: dict[str, list[str]] = {}
    for file, clip in ids.items():
        for alias in {file, os.path.splitext(file)[0], clip}:
            names.setdefault(unicodedata.normalize("NFC", alias), []).append(file)
    rows: dict[str, dict[str, str]] = {}
    with open(path, encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, skipinitialspace=True, restkey="", restval="")
        try:
            _check_columns(path, reader.fieldnames or [])
            for row in reader:
                where = f"{path} line {reader.line_num}"
                if "" in row:
                    raise UserError(f"{where} has more cells than the first line has columns; quote texts with commas.")
                file, facts = _check_row(where, {key: cell.strip() for key, cell in row.items()}, names)
                if file in rows:
                    raise UserError(f"{where} names clip {facts['clip']!r} for the second time; keep one row.")
                rows[file] = facts
        except UnicodeDecodeError as problem:
            raise UserError(f"{path} is not UTF-8 text ({problem.reason}); save it as CSV UTF-8.") from problem
        except csv.Error as problem:
            raise UserError(f"{path} line {reader.line_num} is not CSV ({problem}).") from problem
    return rows


def _check_row(where: str, row: dict[str, str], names: dict[str, list[str]]) -> tuple[str, dict[str, str]]:
    """(file, cells by column) of one row; raises UserError for a clip or split that does not exist."""
    files = names.get(unicodedata.normalize("NFC", row["clip"]), [])
    if len(files) > 1:
        raise UserError(
            f"{where} names clip {row['clip']!r}, which may be {' or '.join(map(shown_path, files))}; write the whole path."
        )
    if not files:
        near = difflib.get_close_matches(row["clip"], list(names), n=1, cutoff=0.4)
        raise UserError(f"{where} names clip {row['clip']!r}, which is not in the folder{_hint(near)}.")
    if row.get("split") and row["split"] not in SPLITS:
        near = difflib.get_close_matches(row["split"], SPLITS, n=1, cutoff=0.4)
        raise UserError(f"{where} has split {row['split']!r}; it must be one of {', '.join(SPLITS)}{_hint(near)}.")
    return files[0], row


def _check_columns(path: Path, columns) -> None:
    for column in columns:
        if column not in COLUMNS:
            if ";" in column or "\t" in column:
                raise UserError(f"{path} line 1 separates columns with another sign; use commas.")
            near = difflib.get_close_matches(column, COLUMNS, n=1, cutoff=0.4)
            raise UserError(f"{path} line 1 has a column {column!r}; known are {', '.join(COLUMNS)}{_hint(near)}.")
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
                f"the table names a split for some clips but not for {shown_path(missing[0])}; name it for all or none."
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
