"""Signals that ask a training to stop: the running step ends, the state is saved, the same command goes on later."""

import os
import signal


class Interrupted(Exception):
    """A signal asked the training to stop; its state is saved. `exit_code`: what the command ends with."""

    def __init__(self, sentence: str, exit_code: int = os.EX_TEMPFAIL):
        super().__init__(sentence)
        self.exit_code = exit_code


class SignalWatch:
    """Remembers that a signal asked to stop, so that the running step can end and the state be saved."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

    def __enter__(self):
        self.stopped, self.exit_code = False, os.EX_TEMPFAIL
        self._before = {number: signal.signal(number, self._stop) for number in self.SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, _) -> None:
        self.stopped = True
        # A scheduler's signal asks to go on later (75 in sysexits.h, for which the workflow tries again), Ctrl-C does not.
        if number == signal.SIGINT:
            self.exit_code = 128 + number
