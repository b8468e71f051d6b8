"""Ids of [A-Za-z0-9_-] for whatever people call their files and folders. Standard library only."""

import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping

# A tar of the plain format holds names of 100 characters, and stages add endings such as ".landmarks.npy".
LONGEST_ID = 80
_DIGITS = 12


def plain_id(name: str, path: str) -> str:
    """Id of a name in one script: characters other than [A-Za-z0-9_-] become underscores.

    A name that is long, or not in ASCII, where many would become one, ends in a hash of `path` (the name with what tells
    it apart). It does not depend on how a file system composes letters with accents.
    """
    name, path = (unicodedata.normalize("NFC", text) for text in (name, path))
    short = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return _hashed(short, path, _DIGITS) if len(short) > LONGEST_ID or not name.isascii() else short


def unique_ids(wanted: Mapping[str, str]) -> dict[str, str]:
    """{path: id} from {path: wanted id}: those that are alike, also but for capital letters, all end in a hash of their path.

    So an id never comes to mean another path when one is added: it is at most no longer there.
    """
    ids = dict(wanted)
    for digits in (_DIGITS, 2 * _DIGITS, 64):
        alike: dict[str, list[str]] = defaultdict(list)
        for path, name in ids.items():
            alike[name.casefold()].append(path)
        for paths in alike.values():
            if len(paths) > 1:
                ids |= {path: _hashed(wanted[path], path, digits) for path in paths}
    return ids


def shown_path(path: str) -> str:
    """A path as text that can be written down: bytes that are no UTF-8 as their numbers."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _hashed(name: str, path: str, digits: int) -> str:
    # fsencode, since names on a disk need not be UTF-8.
    return f"{name[: LONGEST_ID - 1 - digits]}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:digits]}"
