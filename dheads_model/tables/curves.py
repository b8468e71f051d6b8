"""Loss curves as a picture."""

from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import atomic_path


def draw_curves(entries: list[dict], output: Path | str) -> None:
    """Draw a training log (see training/log.py) as PNG; the same bytes for the same log. Raises UserError when empty."""
    if not entries:
        raise UserError("the training log is empty; there is nothing to draw.")
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
    images = [entry["images"] for entry in entries]
    left.plot(images, [entry["loss"] for entry in entries], label="training (corrupted motion frames)")
    held_out = [(entry["images"], entry["validation_loss"]) for entry in entries if "validation_loss" in entry]
    if held_out:
        left.plot(*zip(*held_out, strict=True), "o-", label="held-out speakers (averaged weights)")
    left.set(title="loss", xlabel="images", yscale="log")
    left.legend()
    for number, name in enumerate(("least noise", "less", "more", "most noise")):
        points = [(e["images"], e[f"loss_noise_{number}"]) for e in entries if f"loss_noise_{number}" in e]
        if points:
            middle.plot(*zip(*points, strict=True), label=name)
    middle.set(title="training loss by amount of noise", xlabel="images", yscale="log")
    middle.legend()
    right.plot(images, [entry["learning_rate"] for entry in entries])
    right.set(title="learning rate", xlabel="images")
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    with atomic_path(output) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    plt.close(figure)
