"""The digest of the code that decides the weights of a training."""

from dheads_model.fingerprint import digest

# They report, show and stop a training, and change no weight.
REPORTING = tuple(
    f"dheads_model.training.{name}" for name in ("cost", "interruption", "log", "previews", "tensorboard")
)


def training_code(loop: str) -> str:
    """Digest of what a training loop, given by its module, reaches but for what only reports."""
    return digest(loop, without=REPORTING)
