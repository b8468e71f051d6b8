"""Figures of all methods: the same clip in strips (Fig. 4 of the paper) and maps of optical flow (Fig. 5)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dheads_model.files import atomic_path


def draw_methods(clip: str, videos: Mapping[str, np.ndarray], every: int, max_frames: int, output: Path | str) -> None:
    """Every k-th frame (k = every) of one clip, a row for each method, as PNG. videos: uint8 `[T, S, S, 3]` by method."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = np.arange(0, min(map(len, videos.values())), every)[:max_frames]
    rows = [np.concatenate(list(frames[shown]), axis=1) for frames in videos.values()]
    size = rows[0].shape[0]
    figure, axes = plt.subplots(figsize=(1.1 * len(shown) + 1.6, 1.1 * len(rows) + 0.4), dpi=110, layout="constrained")
    axes.imshow(np.concatenate(rows), interpolation="bicubic")
    axes.set(title=clip, xticks=[], yticks=[size * (number + 0.5) for number in range(len(rows))])
    axes.set_yticklabels([name.replace("_", " ") for name in videos])
    _save(figure, plt, output)


def draw_flow_maps(maps: Mapping[str, tuple[np.ndarray, int]], output: Path | str) -> None:
    """Maps of mean flow magnitude, one a method with its number of videos, on one colour scale, as PNG.

    The scale ends at the 99.5th percentile of all maps, so that a few pixels do not darken the others.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    top = max(float(np.percentile(np.stack([found for found, _ in maps.values()]), 99.5)), 1e-6)
    columns = min(len(maps), 4)
    lines = -(-len(maps) // columns)
    size = (2.6 * columns + 0.8, 2.9 * lines)
    figure, grid = plt.subplots(lines, columns, figsize=size, dpi=110, layout="constrained", squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, (method, (found, count)) in zip(grid.flat, maps.items(), strict=False):
        picture = axes.imshow(found, cmap="inferno", vmin=0, vmax=top)
        axes.set_title(f"{method.replace('_', ' ')}\nmean {found.mean():.3f} (n = {count})", fontsize=9)
    figure.colorbar(picture, ax=grid, label="pixels per frame at 128 x 128", shrink=0.8)
    _save(figure, plt, output)


def _save(figure, plt, output: Path | str) -> None:
    with atomic_path(output) as temporary:
        # The picture of fixed proportions does not leave its own room for long names.
        figure.savefig(temporary, metadata={"Software": None}, bbox_inches="tight")
    plt.close(figure)
