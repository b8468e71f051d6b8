"""Names and folder layout of LRW. Standard library only."""

import os
import re
from pathlib import Path

from dheads_model.corpora.plan import SPLITS
from dheads_model.errors import UserError

FOLDER = "lipread_mp4"
LAYOUT = f"{FOLDER}/<WORD>/{{{','.join(SPLITS)}}}/<WORD>_<5 digits>.mp4"
CLIP_FRAMES = 29
CLIP_SECONDS = 1.16
WORD = re.compile("[A-Z]+")
_NAME = re.compile(r"([A-Z]+)_([0-9]{5})")


def parse_name(stem: str) -> tuple[str, str] | None:
    """(word, five digits) of a file name without its suffix, ABOUT_00001; None if it is not the name of a clip."""
    name = _NAME.fullmatch(stem)
    return (name[1], name[2]) if name else None


def clip_id(word: str, split: str, number: str) -> str:
    """Id of a clip, ABOUT_test_00001: numbers restart in each split, so ABOUT_00001 alone is the name of three clips."""
    return f"{word}_{split}_{number}"


def corpus_root(folder: Path | str) -> str:
    """The folder that contains the words, from itself or its parent; raises UserError if there is none."""
    given = os.fspath(Path(folder).expanduser())
    inside = os.path.join(given, FOLDER)
    root = inside if os.path.isdir(inside) else given
    if not os.path.isdir(root):
        raise UserError(f"{folder} is not a folder; give with lrw.path the folder that holds {LAYOUT}.")
    return root
