"""Curves of the benchmark of step counts: quality by number of network evaluations, and drift over a long video."""

from collections.abc import Mapping
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import atomic_path
from dheads_model.media.clock import FRAMES_PER_SECOND

_CLIP_METRICS = (
    ("mouth_audio_correlation", "mouth-audio correlation"), ("head_motion", "head motion"), ("cpbd", "sharpness (CPBD)"),
)  # fmt: skip
TRUTH = "ground truth"


def draw_step_curves(result: Mapping, output: Path | str) -> None:
    """Draw the result of benchmark_steps as PNG, with equal bytes for an equal result.

    Three panels have mean and standard deviation over clips by number of network evaluations per frame, a row as a point
    and the ground truth as a line; the fourth has the drift curve of the long video of each row. Raises UserError without rows.
    """
    rows = {name: row for name, row in result["rows"].items() if row.get("passes")}
    if not rows:
        raise UserError("the benchmark of step counts has no rows; there is nothing to draw.")
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 4, figsize=(18, 4.3), layout="constrained")
    truth = result["rows"].get(TRUTH, {}).get("clips", {})
    for axes, (metric, title) in zip(panels, _CLIP_METRICS, strict=False):
        for number, (name, row) in enumerate(rows.items()):
            found = row["clips"][metric]
            if found["mean"] is not None:
                axes.errorbar(
                    row["passes"],
                    found["mean"],
                    yerr=found["sd"],
                    fmt="o",
                    capsize=3,
                    label=_in_words(name),
                    color=f"C{number}",
                )
        if (true := truth.get(metric, {}).get("mean")) is not None:
            axes.axhline(true, color="grey", linewidth=1, linestyle="--", label=TRUTH)
        axes.set(title=title, xlabel="network evaluations per frame", xscale="log")
    for number, (name, row) in enumerate(rows.items()):
        curve = ((row.get("long") or {}).get("drift") or {}).get("curve") or []
        seconds = [(window + 0.5) * 50 / FRAMES_PER_SECOND for window in range(len(curve))]
        panels[3].plot(seconds, curve, "o-", markersize=3, label=name, color=f"C{number}")
    panels[3].set(title="drift, levels of 0..255", xlabel="seconds of the long video")
    for axes in panels:
        axes.grid(alpha=0.3)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(rows) + 1, frameon=False
    )
    with atomic_path(output) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _in_words(name: str) -> str:
    """Label of a row: those of a number of steps are named by it."""
    return f"{name} step{'' if name == '1' else 's'}" if name.isdigit() else name
