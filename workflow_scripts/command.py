"""What every command shares: arguments, log, the check that the code is the planned one, errors in one sentence."""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dheads_model.config import build
from dheads_model.corpora.plan import PlannedShard
from dheads_model.errors import UserError
from dheads_model.fingerprint import digest
from dheads_model.manifest import Budget, Manifest, Outcome, store_files, write_manifest
from dheads_model.recipe import write_recipe


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


def finish_stage(
    given: argparse.Namespace,
    stage: str,
    dataset: str,
    shard: PlannedShard | Manifest,
    outcomes: Sequence[Outcome],
    files: Sequence[Path | str] = (),
    made_from: Sequence[Path | str] = (),
    outside: Sequence[Path | str] = (),
    more_settings: Mapping | None = None,
) -> None:
    """Write a stage's manifest, then its recipe, last of all: settings and budget as given, split and number of `shard`.

    stage: name of the command. files: what the stage made, to be hashed. made_from: manifests (or other products with a
    recipe) that it read. outside: files without a recipe that it read. more_settings: what else decided the result, for
    the recipe. Raises UserError when more clips were lost than the budget allows.
    """
    stored = store_files(files, given.manifest)
    manifest = Manifest(stage, dataset, shard.split, shard.shard, given.settings, tuple(outcomes), stored)
    budget = build(Budget, given.budget, "budget") if hasattr(given, "budget") else None
    write_manifest(given.manifest, manifest, budget)
    keep_recipe(given, stage, given.manifest, made_from, outside, more_settings)


def keep_recipe(
    given: argparse.Namespace,
    command: str,
    product: Path | str,
    made_from: Sequence[Path | str] = (),
    outside: Sequence[Path | str] = (),
    more_settings: Mapping | None = None,
) -> None:
    """Write the recipe of a finished product of a command, by name; `finish_stage` says what the arguments are."""
    module = f"workflow_scripts.{command}"
    settings = given.settings | dict(more_settings or {})
    write_recipe(product, module, settings, digest(module), made_from, outside, package_versions(module))


def run(module: str, arguments: argparse.ArgumentParser, work: Callable[[argparse.Namespace], None]) -> None:
    """Parse, check the code digest, call `work(arguments)`; a UserError ends as one sentence and exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    given = arguments.parse_args()
    try:
        _check_code(module, given.code)
        work(given)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(2)


def _check_code(module: str, planned: str | None) -> None:
    if planned is not None and digest(module) != planned:
        raise UserError(
            f"the code behind {module} was edited after this job was planned; run snakemake again to plan anew."
        )
