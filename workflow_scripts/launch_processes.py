"""Start a command in N processes of this machine, as torchrun does: `python -m workflow_scripts.launch_processes N -m MODULE ...`.

torchrun always ends with 1 after a failure; this command ends with the exit code of its processes, and passes a
scheduler's SIGUSR1 on to them.
"""

import signal
import sys

from torch.distributed import run
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

from dheads_model.errors import EXIT_INTERRUPTED, EXIT_RETRY


def launch(count: str, command: list[str]) -> int:
    """Exit code of the process that failed first, 0 where none did; EXIT_RETRY after a scheduler's signal."""
    signal.signal(signal.SIGUSR1, _stop)
    try:
        run.run(run.parse_args(["--standalone", "--nproc-per-node", count, *command]))
    except ChildFailedError as failed:
        code = failed.get_first_failure()[1].exitcode
        return code if code >= 0 else 128 - code
    except SignalException as stop:
        return EXIT_INTERRUPTED if stop.sigval == signal.SIGINT else EXIT_RETRY
    return 0


def _stop(number: int, _) -> None:
    raise SignalException(f"signal {number}", sigval=signal.Signals(number))


if __name__ == "__main__":
    sys.exit(launch(sys.argv[1], sys.argv[2:]))
