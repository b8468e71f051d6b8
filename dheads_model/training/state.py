"""The state of a training: everything that is needed to go on bit for bit, in a folder that no rule declares.

Only files that this machine's own run wrote are read, and only as tensors and plain values.
"""

import logging
import pickle
from pathlib import Path

import torch

from dheads_model.errors import UserError
from dheads_model.files import atomic_path
from dheads_model.training.finite import check_state

KEPT = 2
log = logging.getLogger(__name__)


def save_state(folder: Path | str, state: dict) -> None:
    """Write `state` (with `images`) whole or not at all; the newest KEPT states are kept.

    Raises UserError, with those untouched, for one that is not finite.
    """
    check_state(state)
    folder = Path(folder)
    with atomic_path(folder / f"state-{state['images']:012d}.pt") as temporary:
        torch.save(state, temporary)
    for old in _states(folder)[:-KEPT]:
        old.unlink()


def load_state(folder: Path | str, identity: dict) -> dict | None:
    """The newest usable state, or None. A damaged one is reported and the one before it taken.

    identity: what must be the same as when the state was saved. Raises UserError when it is not.
    """
    for path in reversed(_states(Path(folder))):
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as problem:
            log.warning("%s is damaged and left out: %s", path, str(problem).splitlines()[0])
            continue
        for key, value in identity.items():
            if state["identity"].get(key) != value:
                raise UserError(
                    f"{path} was made with another {key}; delete the folder {folder} to train anew, or undo the change."
                )
        return state
    return None


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("state-*.pt"))
