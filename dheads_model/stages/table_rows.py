"""Rows of table 1 from the manifests of the per-clip metrics, and their provenance."""

from collections import defaultdict
from pathlib import Path

import pandas as pd

from dheads_model.manifest import read_manifest, verify_file
from dheads_model.recipe import Recipe
from dheads_model.stages.distances import read_distances
from dheads_model.tables.distance_cells import distance_notes, with_distances
from dheads_model.tables.table1 import (
    Row,
    interval_notes,
    make_rows,
    refusals,
    unknown_speaker_notes,
    without_videos_notes,
)


def read_rows(metrics: list[str], settings: dict, distances: list[str]) -> tuple[pd.DataFrame, list[Row], list[str]]:
    """(all values, the table's rows, notes below it) from the manifests of the per-clip metrics and the table's settings.

    distances: files of the distances between sets of clips; settings: `uncomputed` says why others have none.
    """
    tables, lost = [], defaultdict(set)
    for path in metrics:
        manifest = read_manifest(path)
        tables.append(pd.read_parquet(verify_file(path, manifest.files[0])))
        method = Path(path).parent.parent.name
        lost[manifest.dataset, method] |= {outcome.clip for outcome in manifest.clips} - set(manifest.ok())
    notes = [f"Dataset {name} is left out: {why}" for name, why in settings["absent"].items()]
    notes += [f"{method} has no row: {reason}." for method, reason in settings["missing"].items()]
    if tables or not settings["absent"]:
        values = pd.concat([pd.DataFrame(), *tables], ignore_index=True)
        # A clip counts as lost once, and only if nothing could be measured.
        if not values.empty:
            for key, of_method in values.groupby(["dataset", "method"]):
                lost[key] -= set(of_method["clip"])
        counts = {key: len(clips) for key, clips in lost.items()}
        rows = make_rows(values, dict(settings["methods"]), counts, settings["reference"])
        measured = [read_distances(path) for path in distances]
        rows = with_distances(rows, measured, settings["uncomputed"])
        notes += distance_notes(measured, settings["uncomputed"])
        notes += without_videos_notes(rows) + interval_notes(rows) + unknown_speaker_notes(values) + refusals(values)
    else:
        values, rows = pd.DataFrame({"dataset": []}), []
    if unmeasured := sum(map(len, lost.values())):
        notes.append(f"{unmeasured} videos could not be measured; the manifests say why.")
    shown = set(values["dataset"])
    notes += [note for name, note in settings["dataset_notes"].items() if name in shown]
    return values, rows, notes


def made_by(recipes: dict[str, Recipe]) -> dict[str, list[dict]]:
    """{command: [{code, packages, products}]}: code and versions with which the products below the table were made.

    Products of one command that were made alike are counted together.
    """
    found: dict[str, list[dict]] = {}
    for _, recipe in sorted(recipes.items()):
        alike = found.setdefault(recipe.command.rpartition(".")[2], [])
        for made in alike:
            if (made["code"], made["packages"]) == (recipe.code, recipe.packages):
                made["products"] += 1
                break
        else:
            alike.append({"code": recipe.code, "packages": recipe.packages, "products": 1})
    return found
