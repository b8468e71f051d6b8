"""Speech of the embedded corpus: audio and phoneme times, from a process that holds the GPL-licensed synthesiser."""

import json
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError

SPEAKER_COMMAND = "dheads_model.corpora.embedded.speak_espeak"


@dataclass(frozen=True)
class Voice:
    """An eSpeak NG voice: its name with variant, words a minute, pitch 0..99."""

    name: str
    words_per_minute: int
    pitch: int


@dataclass(frozen=True)
class Speech:
    """Audio int16 `[N]` at `rate` Hz with silence around it, and (start, end, IPA) of each phoneme in seconds."""

    samples: np.ndarray
    rate: int
    phonemes: tuple[tuple[float, float, str], ...]

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.samples) / self.rate


def speak(requests: list[tuple[str, Voice]], silence_seconds: float) -> list[Speech]:
    """Speak (text, voice) pairs, with silence before and after. Raises UserError when the synthesiser is missing."""
    return [_speak_one(text, voice, silence_seconds) for text, voice in requests]


def _speak_one(text: str, voice: Voice, silence_seconds: float) -> Speech:
    """One process an utterance: the synthesiser's state would carry over, and a clip must not depend on the one before."""
    with tempfile.TemporaryDirectory() as folder:
        wav = str(Path(folder, "speech.wav"))
        request = {"text": text, "voice": voice.name, "rate": voice.words_per_minute, "pitch": voice.pitch, "wav": wav}
        done = subprocess.run(
            [sys.executable, "-m", SPEAKER_COMMAND], input=json.dumps([request]), capture_output=True, text=True
        )
        if done.returncode:
            raise UserError(f"speech synthesis failed: {done.stderr.strip().splitlines()[-1:] or ['no message']}")
        return _speech(wav, json.loads(done.stdout)[0], silence_seconds)


def _speech(wav: str, answer: dict, silence_seconds: float) -> Speech:
    rate = answer["rate"]
    with wave.open(wav, "rb") as stream:
        spoken = np.frombuffer(stream.readframes(stream.getnframes()), dtype="<i2").astype(np.int16)
    # eSpeak NG leaves about a second of silence behind a sentence.
    loud = np.flatnonzero(np.abs(spoken.astype(np.int32)) > 200)
    spoken = spoken[: loud[-1] + rate // 50]
    silence = np.zeros(round(silence_seconds * rate), dtype=np.int16)
    samples = np.concatenate([silence, spoken, silence])
    end = silence_seconds + len(spoken) / rate
    starts = [min(silence_seconds + time, end) for time, _ in answer["phonemes"]]
    ends = [*starts[1:], end]
    phonemes = tuple(
        (start, stop, name)
        for start, stop, (_, name) in zip(starts, ends, answer["phonemes"], strict=True)
        if stop > start
    )
    return Speech(samples, rate, phonemes)
