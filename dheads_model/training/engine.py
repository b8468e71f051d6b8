"""Shared by both training loops: resume, cadence, finite checks, log, progress bar, state files and signals."""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from tqdm import tqdm

from dheads_model.errors import Interrupted
from dheads_model.training.distributed import Distributed
from dheads_model.training.finite import FiniteWatch
from dheads_model.training.interruption import SignalWatch
from dheads_model.training.log import append_log, read_log, rewind_log
from dheads_model.training.state import begin_state, first_history, save_state

log = logging.getLogger(__name__)


class Schedule(Protocol):
    """The settings of a training that the engine reads: number of steps, samples a step, samples between two states."""

    batch_size: int
    state_every_images: int

    @property
    def steps(self) -> int: ...


@dataclass
class Engine:
    """Progress of a training, and the files of its state folder.

    step: optimiser steps taken. unit: name of a sample. history: from which image on which code trained on which
    data. All ranks call the same methods in the same order; the main process writes.
    """

    schedule: Schedule
    folder: Path
    identity: dict
    ranks: Distributed
    unit: str
    history: list[dict]
    step: int
    finite: FiniteWatch
    signals: SignalWatch
    progress: tqdm
    _timed_from: tuple[float, int] = field(default=(0.0, 0))

    @property
    def images(self) -> int:
        """Samples seen so far."""
        return self.step * self.schedule.batch_size

    @property
    def running(self) -> bool:
        """Whether steps are left."""
        return self.step < self.schedule.steps

    def every(self, images: int) -> bool:
        """Whether the last step passed a multiple of `images`, or was the last of all."""
        return not self.running or self.images // images != (self.images - self.schedule.batch_size) // images

    def observe(self, values: Tensor) -> None:
        """Record whether the values of this step, named by `parts` of `open_engine`, are finite."""
        self.finite.see(self.step, values)

    def check_finite(self) -> None:
        """Raise UserError if a value of any step so far was not finite; waits for the device."""
        self.finite.check(self.schedule.batch_size)

    def advance(self) -> None:
        """Count a step."""
        self.step += 1
        self.progress.update(self.schedule.batch_size)

    def images_per_second(self) -> float:
        """Rate since the last line of the log. Correct if the device has finished, as after reading a loss."""
        seconds, step = time.perf_counter() - self._timed_from[0], self.step - self._timed_from[1]
        return step * self.schedule.batch_size / max(seconds, 1e-9)

    def append_log(self, entry: dict) -> None:
        """Add a line with a `loss` to the log."""
        if self.ranks.is_main_process:
            append_log(self.folder / "training.jsonl", entry)
        self.progress.set_postfix(loss=f"{entry['loss']:.4f}")
        self._timed_from = time.perf_counter(), self.step

    def read_log(self) -> list[dict]:
        """The lines of the log."""
        return read_log(self.folder / "training.jsonl")

    def save_if_due(self, state: Callable[[], dict]) -> None:
        """Save the state if it is due or if any rank got a signal; after a signal raise Interrupted.

        state: returns the training's own part of the state; called by every rank. Raises UserError, with the state before it
        kept, where a value of a step was not finite.
        """
        stopped = bool(self.ranks.sum(torch.tensor([float(self.signals.stopped)], dtype=torch.float64)))
        if stopped or self.every(self.schedule.state_every_images):
            self.check_finite()
            self.ranks.barrier()
            found = state()
            if self.ranks.is_main_process:
                about = {"step": self.step, "images": self.images, "identity": self.identity, "history": self.history}
                save_state(self.folder, found | about)
        if stopped and self.running:
            sentence = f"stopped by a signal after {self.images} {self.unit}s; the state is saved"
            raise Interrupted(sentence, self.signals.exit_code)


@contextlib.contextmanager
def open_engine(
    schedule: Schedule,
    folder: Path | str,
    identity: dict,
    ranks: Distributed,
    parts: Iterable[str],
    restore: Callable[[dict], None],
    resume_from: Path | str | None = None,
    unit: str = "image",
) -> Iterator[Engine]:
    """The engine of a training that begins, or resumes from the newest state of its folder or of `resume_from`.

    identity: of `identity_of`; a state of another one is refused. parts: names of the values that `observe` takes.
    restore: is called with the state to resume from, if there is one. Inside, signals to stop are recorded.
    Raises UserError as `begin_state` does.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    step, history = 0, first_history(identity)
    state = begin_state(folder, identity, resume_from)
    if state is not None:
        step, history = state["step"], state.get("history", history)
        restore(state)
        log.info("resuming after %d %ss", state["images"], unit)
    if ranks.is_main_process:
        rewind_log(folder / "training.jsonl", step * schedule.batch_size)
    finite = FiniteWatch.new(parts, ranks.device)
    with SignalWatch() as signals, tqdm(
        total=schedule.steps * schedule.batch_size, initial=step * schedule.batch_size, unit=unit, file=sys.stderr,
        mininterval=5, desc="train", disable=not ranks.is_main_process,
    ) as progress:  # fmt: skip
        started = time.perf_counter(), step
        yield Engine(schedule, folder, identity, ranks, unit, history, step, finite, signals, progress, started)
