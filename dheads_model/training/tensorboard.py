"""The log of a training for TensorBoard, if the config enables it; the package is optional."""

import contextlib
from pathlib import Path

from dheads_model.errors import UserError


@contextlib.contextmanager
def open_board(folder: Path | str | None, images: int):
    """A function that adds an entry of the log to `folder`; one that does nothing where the folder is None.

    images: those seen so far; events of later ones, from before an interruption, are no longer shown. Raises
    UserError where the package is not installed.
    """
    if folder is None:
        yield lambda entry: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise UserError(
            f"training.tensorboard is true and TensorBoard cannot be loaded ({problem}); install it with "
            "`pip install tensorboard`, or set runs.NAME.training.tensorboard to false."
        ) from problem
    with SummaryWriter(str(folder), purge_step=images + 1) as writer:

        def add(entry: dict) -> None:
            for name, value in entry.items():
                if name != "images":
                    writer.add_scalar(name, value, entry["images"])
            writer.flush()

        yield add
