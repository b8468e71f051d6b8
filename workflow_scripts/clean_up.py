"""List what runs wrote here and remove what the same command makes again; trainings and downloads only on request."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dheads_model.errors import EXIT_USER_ERROR, UserError
from dheads_model.files import readable_size
from workflow_scripts.planning.leftovers import KEPT, leftovers, remove, table_of


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; an error is one sentence and EXIT_USER_ERROR. arguments: None takes those of the process."""
    parser = argparse.ArgumentParser(prog="python -m workflow_scripts.clean_up", description=__doc__)
    parser.add_argument("--directory", default=".", help="the work folder, as for snakemake")
    parser.add_argument("--all", action="store_true", help="also the states of trainings (state/) and downloaded files")
    parser.add_argument("--remove", action="store_true", help="remove; without it, nothing is removed")
    given = parser.parse_args(arguments)
    work = Path(given.directory)
    found = leftovers(work)
    gone = [one for one in found if given.all or one.name not in KEPT]
    if not found:
        print("nothing to remove")
        return 0
    print(table_of(found, [one.name for one in gone]))
    total = readable_size(sum(one.bytes for one in gone))
    if not given.remove:
        print(f"nothing was removed; this would free {total}")
        return 0
    try:
        remove(work, gone)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return EXIT_USER_ERROR
    print(f"{total} freed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
