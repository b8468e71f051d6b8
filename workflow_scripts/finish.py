"""How a stage ends: its manifest, then the recipe of the manifest, last of all."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from dheads_model.config import build
from dheads_model.corpora.plan import PlannedShard
from dheads_model.fingerprint import digest, package_versions
from dheads_model.manifest import Budget, Manifest, Outcome, store_files, write_manifest
from dheads_model.recipe import write_recipe


def finish_stage(
    arguments: argparse.Namespace,
    stage: str,
    dataset: str,
    shard: PlannedShard | Manifest,
    outcomes: Sequence[Outcome],
    files: Sequence[Path | str] = (),
    made_from: Sequence[Path | str] = (),
    outside: Sequence[Path | str] = (),
    more_settings: Mapping | None = None,
) -> None:
    """Write a stage's manifest and its recipe, last of all: settings and budget as given, split and number of `shard`.

    stage: name of the command. files: what the stage made, to be hashed. made_from: products that it read and that have
    a recipe. outside: files without a recipe that it read. more_settings: what else decided the result, for the recipe.
    Raises UserError when more clips were lost than the budget allows.
    """
    stored = store_files(files, arguments.manifest)
    manifest = Manifest(stage, dataset, shard.split, shard.shard, arguments.settings, tuple(outcomes), stored)
    budget = build(Budget, arguments.budget, "budget") if hasattr(arguments, "budget") else None
    write_manifest(arguments.manifest, manifest, budget)
    keep_recipe(arguments, stage, arguments.manifest, made_from, outside, more_settings)


def video_files(folder: Path, outcomes: Sequence[Outcome]) -> list[Path]:
    """The videos, named by clip, of those that a stage made."""
    return [folder / f"{outcome.clip}.mp4" for outcome in outcomes if outcome.status == "ok"]


def keep_recipe(
    arguments: argparse.Namespace,
    command: str,
    product: Path | str,
    made_from: Sequence[Path | str] = (),
    outside: Sequence[Path | str] = (),
    more_settings: Mapping | None = None,
) -> None:
    """Write the recipe of a finished product of a command, given by name; the arguments are those of `finish_stage`."""
    module = f"workflow_scripts.{command}"
    settings = arguments.settings | dict(more_settings or {})
    write_recipe(product, module, settings, digest(module), made_from, outside, package_versions(module))
