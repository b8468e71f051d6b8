"""Metrics of a sampler setting in one row: mouth, head motion, blinks, sharpness, and drift of a long video.

With few steps a sampler approaches the mean of the distribution: often a correct mouth in a still face with open eyes. So
the mouth metric is reported together with head motion and blinks.
"""

import statistics
from collections.abc import Sequence

import numpy as np

from dheads_model.faces.redetect import detect_in_crops
from dheads_model.faces.track import fill_gaps
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics import signals
from dheads_model.metrics.blinks import find_blinks
from dheads_model.metrics.drift import drift_curve
from dheads_model.metrics.seen import LEAST_SEEN
from dheads_model.metrics.sharpness import video_cpbd

PER_CLIP = ("mouth_audio_correlation", "head_motion", "cpbd")
# A video has lost its head motion or its blinks below this fraction of the reference.
LEAST_LIVELY = 0.5
_WINDOW = 2 * FRAMES_PER_SECOND


def measure_video(frames: np.ndarray, audio: np.ndarray, backend: str, weights_folder: str) -> dict[str, float | None]:
    """PER_CLIP and the number of blinks of a video uint8 `[T, S, S, 3]` with its audio int16 `[640 T]`.

    None for undefined values; if too few frames have a face, these are all except the sharpness.
    """
    found: dict[str, float | None] = {"cpbd": video_cpbd(frames)}
    landmarks, seen = detect_in_crops(frames, backend, weights_folder)
    if seen.mean() < LEAST_SEEN:
        return found | {"mouth_audio_correlation": None, "head_motion": None, "blinks": None}
    landmarks = fill_gaps(landmarks[seen], seen)
    opening, level = signals.mouth_opening(landmarks), signals.loudness(audio)
    return found | {
        "mouth_audio_correlation": signals.mouth_audio_correlation(opening, level),
        "head_motion": signals.head_motion(landmarks),
        "blinks": len(find_blinks(signals.eye_aspect_ratio(landmarks))),
    }


def clips_row(measured: Sequence[dict], lengths: Sequence[int]) -> dict:
    """Mean, standard deviation and number of the clips' metrics, and their blinks per second; lengths in frames."""
    row: dict = {}
    for name in PER_CLIP:
        values = [one[name] for one in measured if one[name] is not None]
        row[name] = {
            "mean": statistics.fmean(values) if values else None,
            "sd": statistics.stdev(values) if len(values) > 1 else None,
            "n": len(values),
        }
    counted = [
        (one["blinks"], length) for one, length in zip(measured, lengths, strict=True) if one["blinks"] is not None
    ]
    frames = sum(length for _, length in counted)
    row["blinks_per_second"] = FRAMES_PER_SECOND * sum(count for count, _ in counted) / frames if frames else None
    return row


def long_row(frames: np.ndarray, measured: dict) -> dict:
    """Metrics of a long video: its drift, see `drift_curve`, the sharpness of its last two seconds divided by that of its
    first two, and its head motion and blinks per second."""
    curve = drift_curve(frames, _WINDOW)
    first, last = video_cpbd(frames[:_WINDOW]), video_cpbd(frames[-_WINDOW:])
    blinks = measured["blinks"]
    return {
        "drift": {
            "last": float(curve[-1]),
            "largest": float(curve.max()),
            "curve": [round(v, 3) for v in curve.tolist()],
        },
        "sharpness_kept": None if not first or last is None else last / first,
        "head_motion": measured["head_motion"],
        "blinks_per_second": None if blinks is None else FRAMES_PER_SECOND * blinks / len(frames),
    }


def lost(row: dict, reference: dict) -> str:
    """What a row `{"clips": .., "long": ..}` lost compared with a reference row: "" for nothing.

    Head motion is compared on the clips, blinks on the long video, which has enough of them.
    """
    motion, before = (one["clips"]["head_motion"]["mean"] for one in (row, reference))
    blinks, blinks_before = (one["long"]["blinks_per_second"] for one in (row, reference))
    if motion is None or blinks is None:
        return "the face"
    losses = []
    if before is not None and motion < LEAST_LIVELY * before:
        losses.append("head motion")
    if blinks_before and blinks < LEAST_LIVELY * blinks_before:
        losses.append("blinks")
    return ", ".join(losses)
