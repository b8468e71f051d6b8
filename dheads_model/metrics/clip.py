"""All metrics of one clip."""

from collections.abc import Mapping

import numpy as np

from dheads_model.faces.track import fill_gaps
from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.measurement import NOT_APPLICABLE, NOT_COMPUTED, Measurement, refuse
from dheads_model.metrics.phones import NOT_TIMED, SpokenPhones
from dheads_model.metrics.registry import CLIP_METRICS
from dheads_model.metrics.seen import unseen_reason
from dheads_model.weights import missing_weights

# Metrics that are computed without being asked for.
_ALWAYS = {name: metric for name, metric in CLIP_METRICS.items() if metric.measure and not metric.requested}


def measure_clip(
    frames: np.ndarray,
    reference: np.ndarray,
    audio: np.ndarray,
    landmarks: np.ndarray,
    seen: np.ndarray,
    reference_landmarks: np.ndarray,
    is_reference: bool,
    metrics: Mapping[str, ClipMetric] = _ALWAYS,
    weights_folder: str = "resources/weights",
    phones: SpokenPhones = NOT_TIMED,
    word: str = "",
) -> list[Measurement]:
    """Every metric of a video uint8 `[T, H, W, 3]` with its ground truth of the same shape.

    audio int16 `[640 T]`; landmarks float32 `[T, 68, 2]` found in the video, valid where seen `[T]`; those of the
    ground truth. is_reference: the video is the ground truth itself, so comparing frames says nothing. metrics: those to
    compute. phones: what is spoken, with times. word: an LRW clip's. A metric whose weights are missing is refused with
    the command that fetches them. Raises ValueError for a metric that answers with other names than its columns have.
    """
    unseen = unseen_reason(seen)
    filled = None if unseen else fill_gaps(landmarks[seen], seen)
    clip = MeasuredClip(
        frames, reference, audio, filled, reference_landmarks, weights_folder, is_reference, phones, word
    )
    return [one for metric in metrics.values() for one in _measure(metric, clip, unseen, is_reference)]


def _measure(metric: ClipMetric, clip: MeasuredClip, unseen: str, is_reference: bool) -> list[Measurement]:
    if undefined := metric.undefined(clip):
        return [refuse(name, undefined) for name in metric.names()]
    if metric.weights and (missing := missing_weights(metric.weights, [clip.weights_folder])):
        return [refuse(name, missing, NOT_COMPUTED) for name in metric.names()]
    if metric.compares and is_reference:
        return [refuse(name, "the ground truth against itself", NOT_APPLICABLE) for name in metric.names()]
    if metric.by_landmarks and unseen:
        return [refuse(name, unseen) for name in metric.names()]
    found = metric.measure(clip)
    if [one.metric for one in found] != metric.names():
        raise ValueError(f"a metric with the columns {metric.names()} measured {[one.metric for one in found]}.")
    return found
