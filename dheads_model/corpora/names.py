"""Ids of [A-Za-z0-9_-] from arbitrary names of files and folders. Standard library only."""

import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping

# The plain tar format allows names of 100 characters, and stages add suffixes such as ".landmarks.npy".
LONGEST_ID = 80
_DIGITS = 12


def plain_id(name: str, path: str) -> str:
    """Id of a name: characters other than [A-Za-z0-9_-] are replaced by underscores.

    The id of a long or non-ASCII name, which could be ambiguous, ends in a hash of `path`. It does not depend on how a
    file system composes letters with accents.
    """
    name, path = (unicodedata.normalize("NFC", text) for text in (name, path))
    short = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return _hashed(short, path, _DIGITS) if len(short) > LONGEST_ID or not name.isascii() else short


def unique_ids(wanted: Mapping[str, str]) -> dict[str, str]:
    """{path: id} from {path: wanted id}: ids that are equal up to case all end in a hash of their path.

    So adding a path never makes an existing id refer to another path; the id can only disappear.
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
    """A path as printable text, with bytes that are not UTF-8 as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _hashed(name: str, path: str, digits: int) -> str:
    # fsencode, since names on a disk need not be UTF-8.
    return f"{name[: LONGEST_ID - 1 - digits]}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:digits]}"
