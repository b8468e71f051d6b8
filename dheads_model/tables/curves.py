"""Plot of the loss curves."""

from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import atomic_path
from dheads_model.training.audio_use import gains_of


def draw_curves(entries: list[dict], output: Path | str) -> None:
    """Draw a training log (see training/log.py) as PNG; the same bytes for the same log. Raises UserError when empty."""
    if not entries:
        raise UserError("the training log is empty; there is nothing to draw.")
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, gain_axes, right) = plt.subplots(1, 4, figsize=(18, 4.5), layout="constrained")
    images = [entry["images"] for entry in entries]
    left.plot(images, [entry["loss"] for entry in entries], label="training (augmented motion frames)")
    held_out = [(entry["images"], entry["validation_loss"]) for entry in entries if "validation_loss" in entry]
    if held_out:
        left.plot(*zip(*held_out, strict=True), "o-", label="held-out speakers (averaged weights)")
    left.set(title="loss", xlabel="images", yscale="log")
    for number, name in enumerate(("least noise", "less", "more", "most noise")):
        points = [(e["images"], e[f"loss_noise_{number}"]) for e in entries if f"loss_noise_{number}" in e]
        if points:
            middle.plot(*zip(*points, strict=True), label=name)
    middle.set(title="training loss by noise level", xlabel="images", yscale="log")
    gains = [(entry["images"], gains_of(entry)) for entry in entries if gains_of(entry)]
    for sigma in sorted({sigma for _, found in gains for sigma in found}):
        points = [(seen, 100 * found[sigma]) for seen, found in gains if sigma in found]
        gain_axes.plot(*zip(*points, strict=True), "o-", label=f"sigma {sigma:g}")
    gain_axes.axhline(0, color="grey", linewidth=0.8)
    gain_axes.set(title="audio gain at the mouth, % (held-out speakers)", xlabel="images")
    right.plot(images, [entry["learning_rate"] for entry in entries])
    right.set(title="learning rate", xlabel="images")
    for axes in (left, middle, gain_axes, right):
        axes.grid(alpha=0.3)
        if lines := axes.get_legend_handles_labels()[0]:  # below the plot, where it hides no curve
            columns = 3 if len(lines) > 2 else 1
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=columns, frameon=False)
    with atomic_path(output) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    plt.close(figure)
