"""Signals that stop a training or the sampling: the current step or frame ends, and the same command resumes."""

import signal

from dheads_model.errors import EXIT_INTERRUPTED, EXIT_RETRY


class SignalWatch:
    """Records a signal to stop, so that the current step or frame can end and what is finished be kept."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

    def __enter__(self):
        self.stopped, self.exit_code = False, EXIT_RETRY
        self._before = {number: signal.signal(number, self._stop) for number in self.SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, _) -> None:
        self.stopped = True
        # After a scheduler's signal the workflow resumes the training; after Ctrl-C it does not.
        if number == signal.SIGINT:
            self.exit_code = EXIT_INTERRUPTED
