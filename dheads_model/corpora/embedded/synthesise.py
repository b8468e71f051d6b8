"""One clip of the embedded corpus: speech, mouth, face and head to an FLV, and the truth behind it as tables."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from dheads_model.corpora.embedded.actor import Actor, make_actor
from dheads_model.corpora.embedded.articulation import articulate
from dheads_model.corpora.embedded.flv import FRAMES_PER_SECOND, encode_flv
from dheads_model.corpora.embedded.lips import gap_of
from dheads_model.corpora.embedded.motion import move
from dheads_model.corpora.embedded.portrait import load_portrait
from dheads_model.corpora.embedded.render import SCALE, render, set_stage
from dheads_model.corpora.embedded.speech import Speech, Voice, speak
from dheads_model.corpora.plan import PlannedClip

SILENCE_SECONDS = 0.25
# How an emotion changes the voice: words a minute and pitch.
EMOTION_VOICE = {"NEU": (0, 0), "HAP": (10, 8), "SAD": (-15, -6), "ANG": (8, -3), "FEA": (14, 6), "DIS": (-6, -4)}


@dataclass(frozen=True)
class Synthesised:
    """A clip: FLV bytes; truth by frame (columns of arrays `[F]`); phonemes (start, end, IPA) and blinks (start, end)."""

    flv: bytes
    frames: dict[str, np.ndarray]
    phonemes: tuple[tuple[float, float, str], ...]
    blinks: tuple[tuple[float, float], ...]


def speak_all(clips: list[PlannedClip], seed: int) -> list[Speech]:
    """Speech of clips in order."""
    requests = [(clip.transcript, _voice(_actor(clip.speaker, seed), clip.clip)) for clip in clips]
    return speak(requests, SILENCE_SECONDS)


def synthesise(clip: PlannedClip, speech: Speech, seed: int) -> Synthesised:
    """Render one clip. Its bytes depend on (seed, clip id, speech) alone, whatever was rendered before."""
    # The stage runs one job a core.
    cv2.setNumThreads(1)
    portrait = load_portrait()
    stage = set_stage(portrait, _actor(clip.speaker, seed))
    key = int.from_bytes(hashlib.sha256(f"{seed}:{clip.clip}".encode()).digest()[:8], "big")
    count = int(speech.seconds * FRAMES_PER_SECOND)
    times = np.arange(count) / float(FRAMES_PER_SECOND)
    mouth = articulate(speech, times)
    motion = move(times, np.random.default_rng(key))
    flv = encode_flv((render(stage, mouth, motion, k) for k in range(count)), speech.samples, speech.rate)
    truth = {
        "frame": np.arange(count, dtype=np.int32),
        "time": times,
        "lip_gap": (SCALE * gap_of(mouth.opening, mouth.teeth)).astype(np.float32),
        "opening": mouth.opening.astype(np.float32),
        "spread": mouth.spread.astype(np.float32),
        "closure": mouth.closure.astype(np.float32),
        "blink": motion.blink.astype(np.float32),
        "yaw": motion.yaw.astype(np.float32),
        "pitch": motion.pitch.astype(np.float32),
        "roll": motion.roll.astype(np.float32),
    }
    return Synthesised(flv, truth, speech.phonemes, motion.blinks)


@lru_cache(maxsize=128)  # a shard's; each holds a texture of 1 MB
def _actor(speaker: str, seed: int) -> Actor:
    return make_actor(load_portrait(), speaker, seed)


def _voice(actor: Actor, clip: str) -> Voice:
    faster, higher = EMOTION_VOICE[clip.split("_")[2]]
    pitch = int(np.clip(actor.voice.pitch + higher, 0, 99))
    return Voice(actor.voice.name, actor.voice.words_per_minute + faster, pitch)
