"""A training that a signal stops after some steps."""

import contextlib
import os
import signal

import pytest

from dheads_model.errors import Interrupted


@contextlib.contextmanager
def stopped_at_call(monkeypatch, module, function: str, number: int):
    """Inside, the `number`-th call of a module's function sends the process SIGUSR1, and Interrupted is expected."""
    calls, original = [], getattr(module, function)

    def counted(*arguments):
        calls.append(1)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGUSR1)
        return original(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="the state is saved"):
        patch.setattr(module, function, counted)
        yield
