"""The digest of the code that determines the weights of a training."""

from dheads_model.fingerprint import digest

# Modules that report, show and stop a training, and do not change the weights.
REPORTING = tuple(
    f"dheads_model.training.{name}" for name in ("cost", "interruption", "log", "previews", "tensorboard")
)


def training_code(loop: str) -> str:
    """Digest of all that a training loop, given by its module, imports, except what only reports."""
    return digest(loop, without=REPORTING)
