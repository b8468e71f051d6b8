"""Extraction of a speaker's clips or word times from an archive that is not trusted."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from dheads_model.corpora.grid.archive import DAMAGE, Member, members_of
from dheads_model.corpora.grid.cut import choose
from dheads_model.corpora.grid.layout import clip_name
from dheads_model.corpora.grid.names import ALIGNMENT, VIDEO, sentence_of, speaker_in
from dheads_model.errors import UserError
from dheads_model.files import write_bytes

# A clip has 0.4 MB, in the high-quality copies 2.3 MB; an alignment has 130 bytes.
LARGEST = {VIDEO: 16 * 2**20, ALIGNMENT: 64 * 2**10}
_SHOWN_NAMES = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unpacked:
    """Names of the sentences that were written, and the members of the archive that are no sentence of the speaker."""

    sentences: tuple[str, ...]
    left_out: tuple[str, ...]


def unpack(archive: Path, target: Path, speaker: int, ending: str, clips: int | None) -> Unpacked:
    """Write the files of a speaker's chosen sentences to `target`/NAME`ending`, wherever they lie in the archive.

    ending: ".mpg" or ".align". clips: how many are used, None for all. Members with other endings or names, of another
    speaker's folder, or hidden, are left out. Names and places of what is written come from the sentences alone. Raises
    UserError for an archive that is damaged, that has no such file, a sentence twice, or a file larger than LARGEST, and as
    `members_of` does.
    """
    try:
        found: dict[str, str] = {}
        left_out = []
        for member in members_of(archive):
            name = _sentence(member.path, speaker, ending)
            if name is None:
                left_out.append(member.path)
                continue
            if name in found:
                raise UserError(
                    f"{archive} has the sentence {name} twice, {found[name]!a} and {member.path!a}; take another source."
                )
            if member.bytes > LARGEST[ending]:
                raise UserError(
                    f"{archive} holds {member.path[:200]!a} of {member.bytes} bytes, more than any of GRID."
                )
            found[name] = member.path
        if not found:
            raise UserError(
                f"{archive} has no {ending} file of speaker s{speaker} that is named as a sentence (bbaf2n{ending}); it holds "
                f"{_some(left_out)}."
            )
        chosen = set(choose([clip_name(speaker, name) for name in found], clips))
        wanted = {path: name for name, path in found.items() if clip_name(speaker, name) in chosen}
        for member in members_of(archive):
            if member.path in wanted:
                _write(member, target / f"{wanted[member.path]}{ending}")
    except DAMAGE as problem:
        raise Damaged(f"{archive} is damaged ({problem})") from problem
    if left_out:
        log.info("%s: %d files, and %d others left out: %s", archive, len(wanted), len(left_out), _some(left_out))
    return Unpacked(tuple(sorted(wanted.values())), tuple(sorted(left_out)))


class Damaged(UserError):
    """The bytes of an archive are damaged; another download may be whole."""


def _sentence(path: str, speaker: int, ending: str) -> str | None:
    """The sentence that a member is the file of; None for other members."""
    *folders, name = path.split("/")
    stem, found = os.path.splitext(name)
    wrong = found.lower() != ending or sentence_of(stem.lower()) is None or "__MACOSX" in folders
    return None if wrong or speaker_in(folders) not in (None, speaker) else stem.lower()


def _write(member: Member, target: Path) -> None:
    content = member.read()
    try:
        write_bytes(target, content)
    except OSError as problem:
        raise UserError(f"{target} cannot be written ({problem.strerror}); fix this and run again.") from problem


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown or "nothing"
