"""What a per-clip metric is and what it is computed from. Standard library only.

A metric is one module in `dheads_model/metrics/per_clip/` that holds one object `METRIC`. What computes is imported inside
its function, so that planning and tables, which need the columns only, stay quick.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dheads_model.metrics.column import Column
from dheads_model.metrics.measurement import Measurement, refuse

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class MeasuredClip:
    """A video with its ground truth, as every metric gets it.

    frames, reference: video and ground truth, uint8 RGB `[T, H, W, 3]` of one shape, 25 frames a second. audio: int16
    `[640 T]`, 16 kHz. landmarks: float32 `[T, 68, 2]` in pixels, found in the video, gaps filled; None where too few
    frames show a face. reference_landmarks: those of the ground truth. weights_folder: where network weights lie.
    """

    frames: np.ndarray
    reference: np.ndarray
    audio: np.ndarray
    landmarks: np.ndarray | None
    reference_landmarks: np.ndarray
    weights_folder: str = "resources/weights"

    @functools.cached_property
    def mouth_opening(self) -> np.ndarray:
        """Opening of the mouth in each frame, see `signals.mouth_opening`; needs landmarks."""
        from dheads_model.metrics import signals

        return signals.mouth_opening(self.landmarks)

    @functools.cached_property
    def loudness(self) -> np.ndarray:
        """Loudness of the audio in each frame, see `signals.loudness`."""
        from dheads_model.metrics import signals

        return signals.loudness(self.audio)


@dataclass(frozen=True)
class ClipMetric:
    """One or more columns that one function measures clip by clip.

    place: position of the columns in tables, ascending; today's are 10 to 90.
    columns: at least one.
    measure: one Measurement a column, in their order; None where a command of its own measures (measure_sync).
    by_landmarks: refused where too few frames show a face.
    compares: compares pictures with the ground truth, so it says nothing of the ground truth itself.
    requested: config key of the block `metrics` that must be true, "" for always.
    weights: files of config/weights.tsv that `measure` reads from `weights_folder`.
    """

    place: int
    columns: tuple[Column, ...]
    measure: Callable[[MeasuredClip], list[Measurement]] | None
    by_landmarks: bool = False
    compares: bool = False
    requested: str = ""
    weights: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Names of the columns' metrics."""
        return [column.metric for column in self.columns]


def or_refuse(metric: str, value: float | None, reason: str) -> Measurement:
    """The value, or a refusal with the reason where it is None."""
    return refuse(metric, reason) if value is None else Measurement(metric, value)
