"""AV offset, AV confidence, LSE-D and LSE-C from SyncNet's embeddings, as syncnet_python computes them; NumPy alone.

Not metrics/sync.py, which is of the project's own encoder. The published rule pads the audio with zero vectors at both ends
of a clip, so that with few windows a far shift compares mostly with zeros; `*_valid` figures leave such pairs out.
"""

import numpy as np
from python_speech_features import mfcc as speech_mfcc

from dheads_model.media.clock import SAMPLE_RATE, SAMPLES_PER_FRAME
from dheads_model.metrics.measurement import Measurement, refuse

PUBLISHED_SYNC = (
    "av_offset", "av_confidence", "lse_d", "av_offset_saturated", "av_offset_valid", "av_confidence_valid", "lse_d_valid",
)  # fmt: skip
WINDOW = 5  # frames
STEPS_A_FRAME, AUDIO_STEPS = 4, 20  # of MFCC: 100 a second, 0.2 s a window
FARTHEST = 15  # frames
_EPSILON = 1e-6  # added to every difference, as torch's pairwise_distance does


def mfcc(audio: np.ndarray) -> np.ndarray:
    """13 cepstral coefficients a 10 ms, float64 `[M, 13]`, of audio int16 at 16 kHz: python_speech_features' defaults.

    M = 1 + ceil((samples - 400) / 160).
    """
    return speech_mfcc(audio, SAMPLE_RATE)


def window_count(frames: int, samples: int) -> int:
    """Windows that syncnet_python looks at, one fewer than there are; below 1 where a clip is too short."""
    return min(frames, samples // SAMPLES_PER_FRAME) - WINDOW


def shift_distances(lips: np.ndarray, sound: np.ndarray, farthest: int = FARTHEST, padded: bool = True) -> np.ndarray:
    """Mean distance `[2 k + 1]` of lips and audio at shifts -k .. k, k = farthest, from embeddings `[N, E]` of both.

    padded: audio beyond the clip is zeros, as published; else windows without audio at a shift do not count there, and a
    shift that no window reaches is infinite.
    """
    count = len(lips)
    places = np.arange(count)[:, None] + np.arange(-farthest, farthest + 1)
    inside = (places >= 0) & (places < count)
    there = np.where(inside[..., None], sound[places.clip(0, count - 1)], 0.0)
    distances = np.linalg.norm(lips[:, None].astype(np.float64) - there + _EPSILON, axis=2)
    if padded:
        return distances.mean(axis=0)
    counts = inside.sum(axis=0)
    sums = np.where(inside, distances, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def sync_of(distances: np.ndarray) -> tuple[int, float, float]:
    """(AV offset in frames, confidence, least distance) from `shift_distances`; confidence: median less least.

    The offset is positive for early audio, negative for late audio.
    """
    known = distances[np.isfinite(distances)]
    best = int(distances.argmin())
    return len(distances) // 2 - best, float(np.median(known) - distances[best]), float(distances[best])


def measure_published_sync(lips: np.ndarray, sound: np.ndarray, farthest: int = FARTHEST) -> list[Measurement]:
    """PUBLISHED_SYNC of a clip from its embeddings `[N, E]`; av_confidence is what Wav2Lip calls LSE-C, lse_d its LSE-D.

    An offset at the edge of the shifts is refused: the true one may lie beyond; av_offset_saturated is 1 there, else 0.
    `*_valid`: over pairs within the clip, of shifts that at least half of the windows reach; refused where fewer than three do.
    """
    if not len(lips):
        return refuse_published_sync(f"fewer than {WINDOW + 1} frames")
    results = _figures(shift_distances(lips, sound, farthest), "", f"the best of {2 * farthest + 1} shifts")
    results.append(Measurement("av_offset_saturated", float(results[0].value is None)))
    near = min(farthest, len(lips) // 2)
    if near < 1:
        return results + [refuse(name, "too few windows for a shift within the clip") for name in PUBLISHED_SYNC[4:]]
    valid = shift_distances(lips, sound, near, padded=False)
    return results + _figures(valid, "_valid", f"the best of {2 * near + 1} shifts within the clip")


def _figures(distances: np.ndarray, ending: str, best: str) -> list[Measurement]:
    offset, confidence, least = sync_of(distances)
    name = f"av_offset{ending}"
    at_edge = abs(offset) == len(distances) // 2
    return [
        refuse(name, f"{best} is at their edge") if at_edge else Measurement(name, float(offset)),
        Measurement(f"av_confidence{ending}", confidence),
        Measurement(f"lse_d{ending}", least),
    ]


def refuse_published_sync(reason: str) -> list[Measurement]:
    """No value for any of PUBLISHED_SYNC, and why."""
    return [refuse(name, reason) for name in PUBLISHED_SYNC]
