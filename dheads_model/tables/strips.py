"""Frame strips: ground truth above, a method's frames below, with curves of loudness and mouth opening."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dheads_model.files import atomic_path
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics.signals import loudness, mouth_opening


@dataclass(frozen=True)
class Strip:
    """One clip of a strip: frames uint8 `[T, S, S, 3]` of ground truth and method, their landmarks `[T, 68, 2]` (NaN
    without a detected face), audio int16 `[640 T]`."""

    title: str
    truth: np.ndarray
    method: np.ndarray
    truth_landmarks: np.ndarray
    method_landmarks: np.ndarray
    audio: np.ndarray


def draw_strips(strips: list[Strip], method: str, every: int, max_frames: int, output: Path | str) -> None:
    """Draw strips below each other as one PNG, with every k-th frame (k = every); equal inputs give equal bytes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    columns = max(min(len(range(0, len(strip.truth), every)), max_frames) for strip in strips)
    width, height = 1.1 * columns + 0.5, 3.5 * len(strips)
    figure = plt.figure(figsize=(width, height), dpi=110)
    # Margins in inches, so that titles and ticks fit for any number of clips.
    grid = figure.add_gridspec(
        len(strips),
        1,
        hspace=0.2,
        left=0.45 / width,
        right=1 - 0.05 / width,
        top=1 - 0.3 / height,
        bottom=0.25 / height,
    )
    for row, strip in enumerate(strips):
        cells = grid[row].subgridspec(2, 1, height_ratios=[2.1, 0.8], hspace=0.02)
        shown = np.arange(0, len(strip.truth), every)[:max_frames]
        images = figure.add_subplot(cells[0])
        images.imshow(_mosaic([strip.truth, strip.method], shown, columns), interpolation="bicubic")
        size = strip.truth.shape[1]
        images.set(title=strip.title, xticks=[], yticks=[size / 2, 1.5 * size])
        images.set_yticklabels(["ground truth", method.replace("_", " ")], rotation=90, va="center")
        images.title.set_fontsize(10)
        curves = figure.add_subplot(cells[1])
        _draw_curves(curves, strip, method, (columns - 0.5) * every)
    with atomic_path(output) as temporary:
        figure.savefig(temporary, metadata={"Software": None})
    plt.close(figure)


def _draw_curves(axes, strip: Strip, method: str, end: float) -> None:
    frames = np.arange(len(strip.truth))
    level = loudness(strip.audio)
    axes.fill_between(frames, 0, (level + 60) / 60, color="0.85", label="loudness", linewidth=0)
    openings = [_opening(landmarks) for landmarks in (strip.truth_landmarks, strip.method_landmarks)]
    # One scale for both, so that neither leaves the axes.
    scale = max([1e-6, *(np.nanmax(opening) for opening in openings if not np.isnan(opening).all())])
    names = ("mouth, ground truth", f"mouth, {method.replace('_', ' ')}")
    for opening, name, colour in zip(openings, names, ("tab:green", "tab:red"), strict=True):
        if not np.isnan(opening).all():
            axes.plot(frames, opening / scale, color=colour, label=name, linewidth=1.3)
    ticks = np.arange(0, len(frames), FRAMES_PER_SECOND // 5 * 2)
    axes.set(xlim=(-2.5, end), ylim=(0, 1.25), yticks=[], xticks=ticks)
    axes.set_xticklabels([f"{tick / FRAMES_PER_SECOND:.1f} s" for tick in ticks], fontsize=7)
    axes.legend(loc="upper right", fontsize=7, ncols=3, frameon=False)


def _opening(landmarks: np.ndarray) -> np.ndarray:
    """Mouth opening of landmarks `[T, 68, 2]`, NaN in frames without a detected face."""
    valid = ~np.isnan(landmarks[:, 0, 0])
    opening = np.full(len(landmarks), np.nan)
    opening[valid] = mouth_opening(landmarks[valid])
    return opening


def _mosaic(videos: list[np.ndarray], shown: np.ndarray, columns: int) -> np.ndarray:
    """Frames of each video in a row, white where a clip is shorter."""
    size = videos[0].shape[1]
    canvas = np.full((size * len(videos), size * columns, 3), 255, np.uint8)
    for row, video in enumerate(videos):
        for column, frame in enumerate(shown):
            canvas[row * size : (row + 1) * size, column * size : (column + 1) * size] = video[frame]
    return canvas
