"""How a stage ends: its manifest, last of all."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from dheads_model.config import build
from dheads_model.corpora.plan import PlannedShard
from dheads_model.manifest import Budget, Manifest, Outcome, store_files, write_manifest


def finish_stage(
    given: argparse.Namespace,
    stage: str,
    dataset: str,
    shard: PlannedShard | Manifest,
    outcomes: Sequence[Outcome],
    files: Sequence[Path | str] = (),
) -> None:
    """Write a stage's manifest, last of all: settings and budget as given, split and number those of `shard`.

    files: what the stage made, to be hashed. Raises UserError when more clips were lost than the budget allows.
    """
    stored = store_files(files, given.manifest)
    manifest = Manifest(stage, dataset, shard.split, shard.shard, given.settings, tuple(outcomes), stored)
    budget = build(Budget, given.budget, "budget") if hasattr(given, "budget") else None
    write_manifest(given.manifest, manifest, budget)
