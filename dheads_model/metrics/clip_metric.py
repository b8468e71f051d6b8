"""The types of a per-clip metric and its input. Standard library only.

A metric is one module in `dheads_model/metrics/per_clip/` with one object `METRIC`. Its dependencies are imported inside
its function, so that planning and tables, which only need the columns, start fast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dheads_model.metrics.column import Column
from dheads_model.metrics.measurement import Measurement, refuse
from dheads_model.metrics.phones import NOT_TIMED, SpokenPhones

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class MeasuredClip:
    """A video with its ground truth, the input of every metric.

    frames, reference: video and ground truth, uint8 RGB `[T, H, W, 3]` of one shape, 25 frames/s. audio: int16
    `[640 T]`, 16 kHz. landmarks: float32 `[T, 68, 2]` in pixels, detected in the video, gaps filled; None if too few
    frames have a face. reference_landmarks: those of the ground truth. weights_folder: folder of network weights.
    is_reference: the video is the ground truth itself. phones: what is spoken, with times, or why that is not known.
    word: the one word that an LRW clip is of, upper case; "" for clips of another kind.
    """

    frames: np.ndarray
    reference: np.ndarray
    audio: np.ndarray
    landmarks: np.ndarray | None
    reference_landmarks: np.ndarray
    weights_folder: str = "resources/weights"
    is_reference: bool = False
    phones: SpokenPhones = NOT_TIMED
    word: str = ""

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
    """One or more columns that one function measures per clip.

    place: position of the columns in tables, ascending; the present ones are 10 to 90.
    columns: at least one.
    measure: one Measurement per column, in their order; None if a separate command measures (measure_sync).
    by_landmarks: no value if too few frames have a face.
    compares: compares frames with the ground truth, so it is not defined for the ground truth itself.
    requested: config key of the block `metrics` that must be true, "" for always.
    weights: files of config/weights.tsv that `measure` reads from `weights_folder`. Nothing fetches them on its own: without
    one, `measure` is not called and the cells say what to run.
    undefined: why there is no value for a clip whatever the weights say, "" for none; asked first, so that nobody fetches
    weights in vain.
    """

    place: int
    columns: tuple[Column, ...]
    measure: Callable[[MeasuredClip], list[Measurement]] | None
    by_landmarks: bool = False
    compares: bool = False
    requested: str = ""
    weights: tuple[str, ...] = ()
    undefined: Callable[[MeasuredClip], str] = lambda clip: ""

    def names(self) -> list[str]:
        """Names of the columns' metrics."""
        return [column.metric for column in self.columns]


def or_refuse(metric: str, value: float | None, reason: str) -> Measurement:
    """The value, or a measurement without a value and the reason if it is None."""
    return refuse(metric, reason) if value is None else Measurement(metric, value)
