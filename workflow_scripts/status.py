"""State of the work folder: jobs and clips of each stage, hours spent, trainings, failed jobs, time left.

It reads what is on the disk, also while a run works. Whether finished files are up to date says `snakemake -n`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dheads_model.errors import EXIT_USER_ERROR, UserError
from workflow_scripts.planning.folder_state import report


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; an error is one sentence and EXIT_USER_ERROR. arguments: None takes those of the process."""
    parser = argparse.ArgumentParser(prog="python -m workflow_scripts.status", description=__doc__.splitlines()[0])
    parser.add_argument("--directory", default=".", help="the work folder, as for snakemake")
    given = parser.parse_args(arguments)
    try:
        print(report(Path(given.directory)))
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
