"""Sync confidence and offset of mouth and audio, from the embeddings of a sync encoder (network/sync_encoder.py).

The definitions are SyncNet's (Chung & Zisserman 2016) with cosines instead of distances and without its zero padding,
which favours large shifts in short clips: only windows count for which all shifts are within the clip. Values of
different encoders, including the published SyncNet, cannot be compared.
"""

from dataclasses import dataclass

import numpy as np

from dheads_model.metrics.measurement import Measurement, refuse

SYNC_METRICS = ("sync_confidence", "sync_offset")
FARTHEST = 5  # frames, as for mouth_audio_lag


def offset_similarities(mouth: np.ndarray, audio: np.ndarray, farthest: int = FARTHEST) -> np.ndarray:
    """Cosines `[N - 2 k, 2 k + 1]` of mouth windows with the audio at shifts of -k .. k frames, k = farthest.

    mouth, audio: embeddings of length 1, `[N, E]`. Windows less than k frames from an end of the clip are left out; the
    result can have no rows.
    """
    rows = np.arange(farthest, len(mouth) - farthest)[:, None] + np.arange(-farthest, farthest + 1)
    centres = mouth[farthest : len(mouth) - farthest] if len(rows) else mouth[:0]
    return np.einsum("ne,nse->ns", centres.astype(np.float64), audio[rows].astype(np.float64))


def sync_offset(similarities: np.ndarray) -> int:
    """Lag of the mouth behind the audio in frames with the highest mean cosine over a clip, -k .. k.

    Positive for early audio, as SyncNet's AV offset and `mouth_audio_lag`. From `offset_similarities`.
    """
    return similarities.shape[1] // 2 - int(similarities.mean(axis=0).argmax())


def sync_confidence(similarities: np.ndarray) -> float:
    """Mean cosine at the best shift minus the median over all shifts, 0 .. 2; the counterpart of LSE-C.

    It is above 0 also for a mouth that is unrelated to the audio: compare it with that of a still mouth.
    """
    means = similarities.mean(axis=0)
    return float(means.max() - np.median(means))


def measure_sync(mouth: np.ndarray, audio: np.ndarray, still: bool) -> list[Measurement]:
    """Confidence and offset of a clip from its embeddings `[N, E]`.

    No offset for a still mouth, or at the largest shift, beyond which a better one may be.
    """
    similarities = offset_similarities(mouth, audio)
    if not len(similarities):
        return refuse_sync(f"fewer than {2 * FARTHEST + 1} windows, which the {2 * FARTHEST + 1} shifts need")
    return [Measurement("sync_confidence", sync_confidence(similarities)), _offset(similarities, still)]


def _offset(similarities: np.ndarray, still: bool) -> Measurement:
    if still:
        return refuse("sync_offset", "a still mouth")
    offset = sync_offset(similarities)
    if abs(offset) == FARTHEST:
        return refuse("sync_offset", f"the best of {2 * FARTHEST + 1} shifts is at their edge")
    return Measurement("sync_offset", offset)


def refuse_sync(reason: str) -> list[Measurement]:
    """Measurements without a value of all SYNC_METRICS, with the reason."""
    return [refuse(name, reason) for name in SYNC_METRICS]


@dataclass(frozen=True)
class OffsetAccuracy:
    """How often the true shift of 2 k + 1 has the highest cosine: for windows, within one frame, and for clips.

    chance, chance_within_one: accuracy of guessing for windows.
    """

    windows: int
    window_accuracy: float
    window_accuracy_within_one: float
    chance: float
    chance_within_one: float
    clips: int
    clip_accuracy: float


def offset_accuracy(by_clip: list[np.ndarray]) -> OffsetAccuracy | None:
    """Accuracy from `offset_similarities` of each clip; clips without a window are ignored, None if there is no other."""
    by_clip = [similarities for similarities in by_clip if len(similarities)]
    if not by_clip:
        return None
    shifts = by_clip[0].shape[1]
    misses = np.concatenate([np.abs(similarities.argmax(axis=1) - shifts // 2) for similarities in by_clip])
    return OffsetAccuracy(
        windows=len(misses),
        window_accuracy=float((misses == 0).mean()),
        window_accuracy_within_one=float((misses <= 1).mean()),
        chance=1 / shifts,
        chance_within_one=3 / shifts,
        clips=len(by_clip),
        clip_accuracy=float(np.mean([sync_offset(similarities) == 0 for similarities in by_clip])),
    )
