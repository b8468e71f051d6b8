"""Times of the words of a sentence from GRID's .align files. Standard library only."""

from dheads_model.errors import UserError

# A unit is 1/1000 of a frame at 25 frames/s, a sample of the corpus' 25 kHz audio.
UNITS_PER_SECOND = 25_000
_SILENCES = ("sil", "sp")
Word = tuple[float, float, str]


def read_words(text: str, transcript: str) -> tuple[Word, ...]:
    """(start, end, word) of each word of a sentence, in seconds from the start of its clip, without silences.

    text: lines "start end word", in units of 1/25,000 s. Raises UserError for other lines, for times that go back, and for
    words that are not those of `transcript`.
    """
    words, last = [], 0
    for number, line in enumerate(text.splitlines(), start=1):
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 3 or not (cells[0].isdecimal() and cells[1].isdecimal()):
            raise UserError(f"line {number} is {line[:60]!a}, not 'start end word'")
        start, end = int(cells[0]), int(cells[1])
        if not last <= start <= end:
            raise UserError(f"line {number} goes back in time")
        last = end
        if cells[2].lower() not in _SILENCES:
            words.append((start / UNITS_PER_SECOND, end / UNITS_PER_SECOND, cells[2].lower()))
    said = " ".join(word for _, _, word in words)
    if said != transcript:
        raise UserError(f"its words are {said[:80]!a}, the name of the clip says {transcript!a}")
    return tuple(words)
