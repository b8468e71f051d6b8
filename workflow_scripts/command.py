"""Shared by every command: arguments, log, the check that the code is the planned one, errors in one sentence.

Nothing here may decide what a stage makes: an edit of this file reruns nothing (dheads_model/fingerprint.py).
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable

from dheads_model.errors import EXIT_INTERRUPTED, EXIT_USER_ERROR, Interrupted, UserError
from dheads_model.fingerprint import digest
from dheads_model.machine_trouble import machine_trouble


def command_parser(description: str) -> argparse.ArgumentParser:
    """Argument parser with the two arguments that every command takes: --code and --settings."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--code", help="digest of the code this job was planned with; omit to skip the check")
    result.add_argument("--settings", type=json.loads, default={}, help="the rule's configuration as one JSON object")
    return result


def add_budget(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add --budget, how many clips the stage may lose, to a parser."""
    parser.add_argument("--budget", type=json.loads, required=True, help="the budget block as one JSON object")
    return parser


def add_subset(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add --subset, which clips of a test shard get videos, to a parser."""
    parser.add_argument(
        "--subset", type=json.loads, help="clips and seed of the choice as one JSON object; null for all"
    )
    return parser


def run_command(module: str, parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace], None]) -> None:
    """Parse, check the code digest, call `main(arguments)`.

    A UserError, an error of the machine and a signal end as one sentence, the last line of the log, with the exit code
    that dheads_model/errors.py has for them. Any other exception is a bug and keeps its traceback.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    arguments = parser.parse_args()
    try:
        _check_code(module, arguments.code)
        main(arguments)
    except UserError as problem:
        _leave(f"{problem}", EXIT_USER_ERROR)
    except OSError as problem:
        sentence = machine_trouble(problem)
        if sentence is None:
            raise
        _leave(f"{sentence}", EXIT_USER_ERROR)
    except MemoryError:
        _leave(
            "the machine has too little memory for this job; run fewer at once (--cores), or on a larger machine.",
            EXIT_USER_ERROR,
        )
    except Interrupted as stop:
        _leave(f"{stop}", stop.exit_code)
    except KeyboardInterrupt:
        _leave("stopped; run the same command again to resume.", EXIT_INTERRUPTED)


def _leave(sentence: str, code: int) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(code)


def _check_code(module: str, planned: str | None) -> None:
    if planned is not None and digest(module) != planned:
        raise UserError(f"the code behind {module} was edited after this job was planned; run snakemake again.")
