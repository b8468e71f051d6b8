"""What GRID's names say: a sentence from its six letters, a speaker from a folder. Standard library only."""

import re
from collections.abc import Iterable

# There is no video of speaker 21.
SPEAKERS = tuple(number for number in range(1, 35) if number != 21)
SENTENCES_PER_SPEAKER = 1000
VIDEO, ALIGNMENT = ".mpg", ".align"

_DIGITS = {
    "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine",
    "z": "zero",
}  # fmt: skip
# Command, colour, preposition, letter, digit, adverb: the only words of the corpus. The letter w is not used.
_WORDS = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in "abcdefghijklmnopqrstuvxyz"},
    _DIGITS,
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)
# s1, and as archives call the folder: s1.mpg_vcd, s1.mpg_6000.part1
_SPEAKER_FOLDER = re.compile(r"s([1-9]|[12]\d|3[0-4])(\.mpg_\w+(\.part\d)?)?", re.IGNORECASE)


def sentence_of(code: str) -> str | None:
    """The six words of a sentence's code, lower case ("bbaf2n": "bin blue at f two now"); None for any other name."""
    if len(code) != len(_WORDS):
        return None
    words = [meaning.get(letter) for letter, meaning in zip(code, _WORDS, strict=True)]
    return None if None in words else " ".join(words)


def speaker_in(folders: Iterable[str]) -> int | None:
    """Number of the speaker that the innermost of these folders is named after; None where none is."""
    found = [match for match in map(_SPEAKER_FOLDER.fullmatch, folders) if match]
    return int(found[-1][1]) if found else None
