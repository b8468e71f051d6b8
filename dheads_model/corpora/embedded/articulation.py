"""From phonemes to the movements of the mouth, with coarticulation by smoothing."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from dheads_model.corpora.embedded.speech import Speech

# (opening 0..1, spread -1 rounded .. 1 wide) that a phoneme aims at; longest match of its IPA symbol first.
TARGETS = {
    "aɪ": (0.95, 0.2), "aʊ": (0.95, -0.2), "eɪ": (0.6, 0.6), "oʊ": (0.55, -0.8), "ɔɪ": (0.6, -0.5),
    "iː": (0.35, 0.9), "uː": (0.25, -1.0), "ɑː": (1.0, 0.0), "ɔː": (0.75, -0.6), "ɜː": (0.5, -0.2), "oː": (0.6, -0.7),
    "a": (0.95, 0.1), "ɑ": (1.0, 0.0), "æ": (0.9, 0.4), "ʌ": (0.75, 0.0), "ɐ": (0.6, 0.0), "ə": (0.45, 0.0),
    "ᵻ": (0.35, 0.3), "ɪ": (0.4, 0.5), "i": (0.35, 0.8), "ɛ": (0.7, 0.4), "e": (0.6, 0.5), "ɚ": (0.4, -0.3),
    "ɔ": (0.75, -0.5), "o": (0.6, -0.7), "ʊ": (0.35, -0.7), "u": (0.25, -0.9), "ɝ": (0.5, -0.3),
    "m": (0.0, 0.0), "b": (0.0, 0.0), "p": (0.0, 0.0), "f": (0.08, 0.1), "v": (0.08, 0.1), "w": (0.12, -1.0),
    "ɹ": (0.25, -0.5), "r": (0.25, -0.4), "l": (0.35, 0.1), "θ": (0.2, 0.1), "ð": (0.2, 0.1),
    "tʃ": (0.15, -0.5), "dʒ": (0.15, -0.5), "ʃ": (0.15, -0.6), "ʒ": (0.15, -0.6), "s": (0.12, 0.4), "z": (0.12, 0.4),
    "t": (0.18, 0.2), "d": (0.18, 0.2), "n": (0.2, 0.2), "ɾ": (0.25, 0.1), "ʔ": (0.2, 0.0), "k": (0.3, 0.1),
    "ɡ": (0.3, 0.1), "ŋ": (0.3, 0.1), "h": (0.5, 0.0), "j": (0.25, 0.6),
}  # fmt: skip
CLOSED = ("m", "b", "p")
LIP_ON_TEETH = ("f", "v")
_TICK = 0.01  # seconds
_COARTICULATION = 3.5  # ticks: standard deviation with which targets run into each other
_CLOSURE = 1.8  # ticks: closures are quicker than vowels


@dataclass(frozen=True)
class Articulation:
    """Mouth over the F frames of a clip, each `[F]`.

    opening: 0 closed .. 1 widest. spread: -1 rounded .. 1 wide. closure: 0..1, lips pressed. teeth: 0..1, lower lip at
    the upper teeth.
    """

    opening: np.ndarray
    spread: np.ndarray
    closure: np.ndarray
    teeth: np.ndarray


def articulate(speech: Speech, times: np.ndarray) -> Articulation:
    """The mouth at the given times in seconds. Vowels open wider where the audio is louder."""
    ticks = int(np.ceil(speech.seconds / _TICK)) + 1
    opening, spread = np.zeros(ticks), np.zeros(ticks)
    closure, teeth = np.zeros(ticks), np.zeros(ticks)
    for start, end, name in speech.phonemes:
        target, symbol = target_of(name)
        if target is None:
            continue
        span = slice(round(start / _TICK), max(round(end / _TICK), round(start / _TICK) + 1))
        opening[span], spread[span] = target
        if symbol in CLOSED:
            closure[span] = 1.0
        if symbol in LIP_ON_TEETH:
            teeth[span] = 1.0
    opening = gaussian_filter1d(opening, _COARTICULATION) * (0.55 + 0.45 * _loudness(speech, ticks))
    spread = gaussian_filter1d(spread, _COARTICULATION)
    # A closure reaches full contact at its middle, however short it is.
    closure = np.clip(1.6 * gaussian_filter1d(closure, _CLOSURE), 0, 1)
    teeth = np.clip(1.4 * gaussian_filter1d(teeth, _CLOSURE), 0, 1)
    opening = opening * (1 - closure) * (1 - 0.7 * teeth)
    at = np.clip(times / _TICK, 0, ticks - 1)
    grid = np.arange(ticks)
    return Articulation(*(np.interp(at, grid, track) for track in (opening, spread, closure, teeth)))


def target_of(name: str) -> tuple[tuple[float, float] | None, str]:
    """(target, symbol) of an IPA phoneme name with its stress marks; (None, "") for a pause."""
    bare = name.lstrip("ˈˌ")
    for length in (2, 1):
        if bare[:length] in TARGETS:
            return TARGETS[bare[:length]], bare[:length]
    return None, ""


def _loudness(speech: Speech, ticks: int) -> np.ndarray:
    """Smoothed amplitude `[ticks]`, 1 at the clip's loud passages."""
    step = round(_TICK * speech.rate)
    padded = np.zeros(ticks * step)
    padded[: len(speech.samples)] = speech.samples[: ticks * step]
    amplitude = np.sqrt((padded.reshape(ticks, step) ** 2).mean(axis=1))
    smooth = gaussian_filter1d(amplitude, 3.0)
    return np.clip(smooth / max(np.percentile(smooth, 95), 1.0), 0, 1)
