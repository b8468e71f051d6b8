"""The engine under both training loops: cadence, resume, what a signal and a value that is not finite do."""

import os
import signal
from types import SimpleNamespace

import pytest
import torch

from dheads_model.errors import EXIT_RETRY, Interrupted, UserError
from dheads_model.training.distributed import Distributed
from dheads_model.training.engine import open_engine
from dheads_model.training.log import read_log
from dheads_model.training.state import identity_of, load_state

ALONE = Distributed(0, 1, torch.device("cpu"))
IDENTITY = identity_of({"a": 1}, "data", "code", None)


def train(folder, steps=10, state_every=24, log_every=16, each_step=lambda engine: None, value=1.0):
    """A training that adds up its steps; returns (the sum, images at which it logged)."""
    total = [0]
    schedule = SimpleNamespace(batch_size=8, steps=steps, state_every_images=state_every)
    with open_engine(
        schedule, folder, IDENTITY, ALONE, ["the loss"], lambda state: total.append(state["total"]), unit="window"
    ) as engine:
        while engine.running:
            engine.observe(torch.tensor([value]))
            total.append(total[-1] + engine.step)
            engine.advance()
            if engine.every(log_every):
                engine.append_log({"images": engine.images, "loss": 0.5})
            each_step(engine)
            engine.save_if_due(lambda: {"total": total[-1]})
        return total[-1], [entry["images"] for entry in engine.read_log()]


def test_every_k_images_and_at_the_end(tmp_path):
    saved = []
    train(tmp_path, each_step=lambda engine: saved.append(engine.images) if engine.every(24) else None)
    assert saved == [24, 48, 72, 80]
    # A cadence that is no multiple of the batch is met by the step that passes it.
    assert train(tmp_path / "other", log_every=20)[1] == [24, 40, 64, 80]


def test_a_signal_saves_the_state_and_the_same_call_resumes(tmp_path):
    whole = train(tmp_path / "whole")

    def stop(engine):
        if engine.step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="stopped by a signal after 40 windows; the state is saved") as stopped:
        train(tmp_path / "cut", each_step=stop)
    assert stopped.value.exit_code == EXIT_RETRY
    assert load_state(tmp_path / "cut", IDENTITY)["step"] == 5
    assert train(tmp_path / "cut") == whole


def test_the_log_is_rewound_to_the_state_that_is_resumed(tmp_path):
    def crash(engine):
        if engine.step == 8:
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        train(tmp_path, each_step=crash)
    assert [entry["images"] for entry in read_log(tmp_path / "training.jsonl")] == [16, 32, 48, 64]
    assert train(tmp_path)[1] == [16, 32, 48, 64, 80]


def test_no_state_is_saved_of_a_value_that_is_not_finite(tmp_path):
    with pytest.raises(UserError, match=r"the loss is not finite in step 1 \(images 1 to 8\)"):
        train(tmp_path, value=float("nan"))
    assert load_state(tmp_path, IDENTITY) is None


def test_signals_are_handled_as_before_afterwards(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    train(tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before
