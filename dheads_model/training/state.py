"""The state of a training: everything that is needed to resume bit for bit, in a folder that is no declared output.

A folder belongs to one identity: the run's config, the data and the code. Another identity has another
folder, so that nothing is ever resumed by accident. State files are read only as tensors and plain values.
"""

import contextlib
import fcntl
import logging
import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch

from dheads_model.config import short_hash
from dheads_model.errors import UserError
from dheads_model.files import atomic_path
from dheads_model.machine_trouble import opened_for_library
from dheads_model.training.finite import check_state

KEPT = 2
log = logging.getLogger(__name__)


def identity_of(config: dict, data: str, code: str, audio_encoder: str | None, teacher: str | None = None) -> dict:
    """What determines the weights of a run: its config as given, the data's fingerprint, the digest of the code that trains,
    and the sha256 of the sync encoder that initialises its audio encoder, and of the teacher of a distilled run."""
    identity = {"config": config, "data": data, "code": code, "audio encoder": audio_encoder}
    return identity if teacher is None else identity | {"teacher": teacher}


def folder_of(base: Path | str, identity: dict) -> Path:
    """Folder of the state with an identity, below a run's folder of states."""
    return Path(base, short_hash(identity))


@contextlib.contextmanager
def hold(folder: Path | str) -> Iterator[None]:
    """A lock on `folder`: no other process trains in it; waits until a process that does has ended.

    The kernel releases the lock when the process that holds it ends, even after SIGKILL.
    """
    path = Path(folder, "lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            log.warning(
                "process %s trains in %s already: waiting for its end; stop one of the two to free its core.",
                stream.read().strip() or "?",
                folder,
            )
            fcntl.flock(stream, fcntl.LOCK_EX)
        stream.truncate(0)
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        yield


def first_history(identity: dict) -> list[dict]:
    """The history of a new training: from its first image on by this code and these data."""
    return [{"from_image": 0, "code": identity["code"], "data": identity["data"]}]


def begin_state(folder: Path | str, identity: dict, resume_from: Path | str | None) -> dict | None:
    """The state to resume from: the newest of `folder`, else that of `resume_from`, else None.

    resume_from: folder of another identity's state, used deliberately: its history then records which code trained up to
    which image. Raises UserError when it holds no usable state or one of another network, diffusion or optimiser.
    """
    state = load_state(folder, identity)
    if state is not None or resume_from is None:
        return state
    state = load_state(resume_from, {})
    if state is None:
        raise UserError(f"config key runs.NAME.resume_from names {resume_from}, which holds no usable training state.")
    for block in ("network", "diffusion"):
        if state["identity"]["config"].get(block) != identity["config"].get(block):
            raise UserError(
                f"config key runs.NAME.resume_from names {resume_from}, whose training has another block {block}; a state "
                "can only be resumed with the same one."
            )
    before, now = (
        made.get("config", {}).get("training", {}).get("muon_learning_rate") for made in (state["identity"], identity)
    )
    if (before is None) != (now is None):
        raise UserError(
            f"config key runs.NAME.resume_from names {resume_from}, whose training.muon_learning_rate is "
            f"{'null' if before is None else before}; set it so: a state can only be resumed with the same optimisers."
        )
    turn = {"from_image": state["images"], "code": identity["code"], "data": identity["data"]}
    state["history"] = [*state.get("history", []), turn]
    if Path(resume_from, "training.jsonl").is_file():
        Path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(resume_from, "training.jsonl"), Path(folder, "training.jsonl"))
    return state


def save_state(folder: Path | str, state: dict) -> None:
    """Write `state` (with `images`) atomically; the newest KEPT states are kept.

    Raises UserError, with those untouched, for one that is not finite.
    """
    check_state(state)
    folder = Path(folder)
    with atomic_path(folder / f"state-{state['images']:012d}.pt") as temporary, opened_for_library(temporary) as stream:
        torch.save(state, stream)
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
                    f"{path} was made with another {key}; move the folder {folder} away to train from the start."
                )
        return state
    return None


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("state-*.pt"))
