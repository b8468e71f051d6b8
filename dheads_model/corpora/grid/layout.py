"""GRID's files in a folder, in any of the layouts of its copies. Standard library only."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dheads_model.corpora.grid.names import ALIGNMENT, VIDEO, sentence_of, speaker_in
from dheads_model.corpora.listing import files_below
from dheads_model.corpora.names import plain_id, shown_path
from dheads_model.corpora.plan import PlannedClip
from dheads_model.errors import UserError

FETCHED = "fetched.json"
LAYOUTS = "sN/*.mpg, sN/video/*.mpg, sN/video/mpg_6000/*.mpg, video/sN/*.mpg"


@dataclass(frozen=True)
class FoundFiles:
    """Files of one speaker by the name without ending: videos, and .align files. Paths are relative to the folder."""

    videos: Mapping[str, str]
    alignments: Mapping[str, str]


def find_files(folder: Path | str) -> dict[int, FoundFiles]:
    """Files of each speaker below `folder`, nothing is opened; links are followed.

    A file belongs to the speaker whose folder (sN) it lies in, at any depth; `folder` itself may be a speaker's. Files with
    other endings and files in no speaker's folder are left out. Raises UserError for a folder that is missing, cannot be
    listed, or has a speaker's sentence twice.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(
            f"config key grid.path names {folder}, which is not a folder; give the folder with GRID's clips."
        )
    found: dict[int, tuple[dict[str, str], dict[str, str]]] = {}
    for path in files_below(root):
        *folders, name = path.split("/")
        stem, ending = os.path.splitext(name)
        stem = stem.lower()
        speaker = speaker_in([root.resolve().name, *folders])
        if speaker is None or ending.lower() not in (VIDEO, ALIGNMENT):
            continue
        kind = found.setdefault(speaker, ({}, {}))[ending.lower() == ALIGNMENT]
        if stem in kind:
            raise UserError(
                f"{root} has {stem}{ending} of speaker s{speaker} twice, {shown_path(kind[stem])} and {shown_path(path)}: "
                "move one of them elsewhere."
            )
        kind[stem] = path
    return {speaker: FoundFiles(*found[speaker]) for speaker in sorted(found)}


def plan_clip(root: Path | str, speaker: int, stem: str, files: FoundFiles, split: str, aligned: bool) -> PlannedClip:
    """A clip with its size and time, and with its alignment if `aligned` and if it has one.

    One that is not named as a sentence is planned too, and fails when it is adopted.
    """
    place = os.path.join(root, files.videos[stem])
    transcript = sentence_of(stem)
    extra: dict = {}
    if transcript is None:
        extra["unusable"] = "its name is no sentence of GRID, as bbaf2n is"
    else:
        try:
            facts = os.stat(place)
            extra |= {"bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns}
        except FileNotFoundError:
            pass  # a dangling link, which gets the reason missing_file when it is adopted
    if aligned and stem in files.alignments:
        alignment = os.path.join(root, files.alignments[stem])
        extra |= {"alignment": alignment, "alignment_bytes": os.path.getsize(alignment)}
    name = clip_name(speaker, stem)
    return PlannedClip(name, f"s{speaker}", split, transcript or "", shown_path(place), extra)


def clip_name(speaker: int, stem: str) -> str:
    """Id of a clip, for instance s1_bbaf2n."""
    name = f"s{speaker}_{stem}"
    return plain_id(name, name)
