"""What every command shares: arguments, log, the check that the code is the planned one, errors in one sentence.

Nothing here may decide what a stage makes: an edit of this file reruns nothing (dheads_model/fingerprint.py).
"""

import argparse
import json
import logging
import sys
from collections.abc import Callable

from dheads_model.errors import UserError
from dheads_model.fingerprint import digest
from dheads_model.machine_trouble import machine_trouble


def parser(description: str) -> argparse.ArgumentParser:
    """Argument parser with the two arguments that every command takes: --code and --settings."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--code", help="digest of the code this job was planned with; omit to skip the check")
    result.add_argument("--settings", type=json.loads, default={}, help="the rule's configuration as one JSON object")
    return result


def add_budget(arguments: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add --budget, how many clips the stage may lose, to a parser."""
    arguments.add_argument("--budget", type=json.loads, required=True, help="the budget block as one JSON object")
    return arguments


def run(module: str, arguments: argparse.ArgumentParser, work: Callable[[argparse.Namespace], None]) -> None:
    """Parse, check the code digest, call `work(arguments)`.

    A UserError and what the machine refuses end as one sentence, the last line of the log, with exit code 2; Ctrl-C with
    130. Any other exception is a mistake of the code and keeps its traceback.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    given = arguments.parse_args()
    try:
        _check_code(module, given.code)
        work(given)
    except UserError as problem:
        _leave(f"{problem}", 2)
    except OSError as problem:
        sentence = machine_trouble(problem)
        if sentence is None:
            raise
        _leave(f"{sentence}", 2)
    except MemoryError:
        _leave(
            "the machine has too little memory for this job; run fewer at once (--cores), or on a larger machine.", 2
        )
    except KeyboardInterrupt:
        _leave("stopped; run the same command again to resume.", 130)


def _leave(sentence: str, code: int) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(code)


def _check_code(module: str, planned: str | None) -> None:
    if planned is not None and digest(module) != planned:
        raise UserError(
            f"the code behind {module} was edited after this job was planned; run snakemake again to plan anew."
        )
