"""Times of the phones of a known English sentence in its audio, by PocketSphinx (extra `alignment`).

The acoustic model and the dictionary (CMUdict) are in the package's wheel. Two passes: words along the sentence, then
phones along the words. Measured accuracy: docs/metrics.md.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

REQUIREMENT = "pip install 'dheads[alignment]'"
# With the decoder's own beam, 1e-48, a sixth of synthesised sentences (4 of 24) got no alignment; at 1e-150 all got one, and at
# 1e-300 the same.
_BEAM = 1e-150
_FRAMES_PER_SECOND = 100
_FILLERS = ("<s>", "</s>", "<sil>", "[NOISE]", "[SPEECH]")
_SILENT_PHONES = ("SIL", "+NSN+", "+SPN+")


def is_installed() -> bool:
    """Whether the extra `alignment` is installed."""
    return find_spec("pocketsphinx") is not None


def words_of(transcript: str) -> list[str]:
    """The words of a sentence as the dictionary writes them: lower case, without punctuation but apostrophes."""
    cleaned = re.sub(r"[^\w']+|_", " ", transcript.lower().replace("’", "'"))
    return [word for word in (part.strip("'") for part in cleaned.split()) if word]


def align_phones(audio: np.ndarray, transcript: str) -> tuple[tuple[tuple[float, float, str], ...], str]:
    """(phones as (start, end, ARPABET name) in seconds, without silences; "") or ((), why they have no times).

    audio: int16 `[N]`, 16 kHz, of which the whole sentence is spoken. Equal input gives equal times: each call has its own
    decoder. Refused for a word that the dictionary lacks, and for audio that the sentence does not fit.
    """
    if not is_installed():
        return (), f"extra alignment is not installed ({REQUIREMENT})"
    words = words_of(transcript)
    if not words:
        return (), "no transcript"
    from pocketsphinx import Decoder

    # bestpath: its word lattice ends a word after one frame, which no phone fits in.
    decoder = Decoder(
        lm=None, bestpath=False, beam=_BEAM, wbeam=_BEAM, pbeam=_BEAM, cmn="batch", samprate=16000, loglevel="FATAL"
    )
    unknown = [word for word in words if decoder.lookup_word(word) is None]
    if unknown:
        return (), f"the aligner's English dictionary lacks {unknown[0]!r}"
    decoder.set_align_text(" ".join(words))
    if not _decode(decoder, audio) or not _all_words(decoder, words):
        return (), "the audio does not fit the transcript"
    decoder.set_alignment()
    if not _decode(decoder, audio):
        return (), "the audio does not fit the transcript"
    found = [
        (phone.start / _FRAMES_PER_SECOND, (phone.start + phone.duration) / _FRAMES_PER_SECOND, phone.name)
        for word in decoder.get_alignment()
        for phone in word
        if phone.name not in _SILENT_PHONES
    ]
    return tuple(found), ""


def _decode(decoder, audio: np.ndarray) -> bool:
    """Whether the decoder reached the end of its search with all audio."""
    decoder.start_utt()
    decoder.process_raw(audio.astype("<i2").tobytes(), full_utt=True)
    try:
        decoder.end_utt()
    except RuntimeError:  # how the second pass says that no path reached its end
        return False
    return True


def _all_words(decoder, words: list[str]) -> bool:
    """Whether the words of the first pass are those of the sentence; a path that ends too early lacks the last ones."""
    if decoder.hyp() is None:
        return False
    spoken = [re.sub(r"\(\d+\)$", "", part.word) for part in decoder.seg() if part.word not in _FILLERS]
    return spoken == words
