"""Long videos by windows of ten seconds as a markdown table and as curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from dheads_model.files import atomic_path
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics.long_video import WINDOW, departures
from dheads_model.tables.statistics import CONFIDENCE, LEAST_SPEAKERS

GOAL = 0.05
LAST = 6  # windows of the last minute
_SECONDS = WINDOW / FRAMES_PER_SECOND
_DEPARTURES = {
    "identity": "identity (cosine of embeddings)", "sharpness": "sharpness (CPBD)", "size": "size of the face",
    "position": "position of the face, eye distances",
}  # fmt: skip
_VALUES = {
    "csim": ("cosine with the identity frame", 3), "acd": ("distance to the identity frame", 3), "cpbd": ("CPBD", 3),
    "opening": ("mouth opening", 3), "opening_sd": ("its standard deviation", 3), "head_motion": ("head motion", 3),
    "turn": ("turn of the head", 3), "nod": ("nod of the head", 3), "tilt": ("tilt of the head, radians", 3),
    "blinks": ("blinks/s", 2), "colour": ("mean level, 0..255", 1), "pixels": ("distance from the identity frame, levels", 1),
    "outlying": ("share of broken frames", 4), "seen": ("share of frames with a face", 3),
}  # fmt: skip
_PER_SECOND = ("blinks",)
_PANELS = (
    ("csim", "identity: cosine / that of the first window"), ("cpbd", "sharpness: CPBD / that of the first window"),
    ("size", "size of the face / that of the first window"), ("opening_sd", "mouth opening, sd"),
    ("head_motion", "head motion"), ("colour", "mean level, 0..255"),
)  # fmt: skip
_RELATIVE = ("csim", "cpbd", "size")


def to_markdown(result: Mapping) -> str:
    """The result of benchmark_long_video: departures from the first window, and values of the first and the last ones."""
    videos = result["videos"]
    departed = {name: departures(one["windows"]) for name, one in videos.items()}
    lines = [
        f"{len(videos)} videos of {result['seconds']:g} s from one identity frame each, measured in windows of {_SECONDS:g} s. "
        f"`{result['command']}`, sampled on {result['sampled_on']}. Departure: value of a window divided by that of the first, "
        "minus 1; of the position the distance in eye distances. Last minute: mean of its windows. Largest: the largest "
        f"absolute value of all windows. Mean over videos with {CONFIDENCE:.0%} interval (t over videos), and the worst video.",
        "",
        f"| departure | last minute | worst video | largest | worst video | goal {GOAL:.0%} |",
        "|---|---|---|---|---|---|",
    ]
    for quantity, title in _DEPARTURES.items():
        ends, extremes = [], []
        for curves in departed.values():
            known = [value for value in curves[quantity] if value is not None]
            if len(known) < 2:
                continue
            ends.append(float(np.mean(known[-LAST:])))
            extremes.append(max(map(abs, known)))
        if not ends:
            lines.append(f"| {title} | - | - | - | - | - |")
            continue
        reached = "kept" if max(map(abs, ends)) <= GOAL else "not kept"
        lines.append(
            f"| {title} | {interval(ends)} | {max(ends, key=abs):+.3f} | {interval(extremes)} | {max(extremes):.3f} | {reached} |"
        )
    lines += ["", "| value | first window | last minute | all windows |", "|---|---|---|---|"]
    for name, (title, digits) in _VALUES.items():
        cells = []
        for part in (slice(0, 1), slice(-LAST, None), slice(None)):
            means = [m for one in videos.values() if (m := mean_of(one["windows"][part], name)) is not None]
            cells.append(interval(means, digits, signed=False) if means else "-")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def mean_of(windows: Sequence[Mapping], name: str) -> float | None:
    """Mean of a value over windows that have it; None where none has. Counts are given per second."""
    known = [one[name] for one in windows if one.get(name) is not None]
    if not known:
        return None
    return float(np.mean(known)) / (_SECONDS if name in _PER_SECOND else 1)


def interval(values: Sequence[float], digits: int = 3, signed: bool = True) -> str:
    """Mean of values and its 95 % interval (Student's t), without interval for fewer than LEAST_SPEAKERS values."""
    sign = "+" if signed else ""
    mean = f"{np.mean(values):{sign}.{digits}f}"
    if len(values) < LEAST_SPEAKERS:
        return f"{mean} (n = {len(values)})"
    half = stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * np.std(values, ddof=1) / np.sqrt(len(values))
    low, high = np.mean(values) - half, np.mean(values) + half
    return f"{mean} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"


def draw_long_video(result: Mapping, output: Path | str) -> None:
    """Curves of the windows of each video over time as PNG, with equal bytes for an equal result.

    A line for each video. Identity, sharpness and size are divided by those of its first window; grey: the goal of 5 %.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 3, figsize=(13, 5.6), layout="constrained")
    for axes, (value, title) in zip(panels.flat, _PANELS, strict=True):
        for number, (name, one) in enumerate(result["videos"].items()):
            found = [(k, window[value]) for k, window in enumerate(one["windows"]) if window.get(value) is not None]
            unit = found[0][1] if found and value in _RELATIVE else 1
            minutes = [(k + 0.5) * _SECONDS / 60 for k, _ in found]
            axes.plot(
                minutes, [level / unit for _, level in found], "o-", markersize=2.5, linewidth=1, label=name,
                color=f"C{number}",
            )  # fmt: skip
        if value in _RELATIVE:
            axes.axhspan(1 - GOAL, 1 + GOAL, color="0.92", zorder=0)
        axes.set(title=title, xlabel="minutes")
        axes.grid(alpha=0.3)
    figure.legend(
        *panels.flat[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=max(len(result["videos"]), 1),
        frameon=False,
    )
    with atomic_path(output) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    plt.close(figure)
