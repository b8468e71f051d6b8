"""Signals that ask a training to stop: the running step ends, the state is saved, the same command goes on later."""

import signal


class Interrupted(Exception):
    """A signal asked the training to stop; its state is saved."""


class SignalWatch:
    """Remembers that a signal asked to stop, so that the running step can end and the state be saved."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

    def __enter__(self):
        self.stopped = False
        self._before = {number: signal.signal(number, self._stop) for number in self.SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, *_) -> None:
        self.stopped = True
