"""Write table 1 as csv, markdown and tex, and beside it what made it."""

import json
import sys
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from dheads_model.files import sha256_of, write_json, write_text
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.shards.index import read_index
from dheads_model.tables.table1 import (
    interval_notes,
    make_rows,
    refusals,
    to_csv,
    to_markdown,
    to_tex,
    unknown_speaker_notes,
)
from workflow_scripts.command import parser, run

PACKAGES = (
    "av", "decord", "face-alignment", "mediapipe", "numpy", "opencv-python-headless", "pandas", "pyarrow",
    "python-speech-features", "scikit-image", "scipy", "snakemake", "torch",
)  # fmt: skip


def main(given) -> None:
    settings = given.settings
    tables, lost = [], defaultdict(set)
    for path in given.metrics:
        manifest = read_manifest(path)
        tables.append(pd.read_parquet(verify_file(path, manifest.files[0])))
        method = Path(path).parent.parent.name
        lost[manifest.dataset, method] |= {outcome.clip for outcome in manifest.clips} - set(manifest.ok())
    notes = [f"Dataset {name} is left out: {why}" for name, why in settings["absent"].items()]
    notes += [f"{method} has no row: {reason}." for method, reason in settings["missing"].items()]
    if tables or not settings["absent"]:
        values = pd.concat([pd.DataFrame(), *tables], ignore_index=True)
        # A clip counts once, and only where nothing could be measured of it.
        if not values.empty:
            for key, of_method in values.groupby(["dataset", "method"]):
                lost[key] -= set(of_method["clip"])
        counts = {key: len(clips) for key, clips in lost.items()}
        rows = make_rows(values, dict(settings["methods"]), counts, settings["reference"])
        notes += interval_notes(rows) + unknown_speaker_notes(values) + refusals(values)
    else:
        values, rows = pd.DataFrame({"dataset": []}), []
    if unmeasured := sum(map(len, lost.values())):
        notes.append(f"{unmeasured} videos could not be measured; the manifests say why.")
    if "embedded" in values["dataset"].unique():
        notes.append(
            "embedded is a generated corpus (a mesh-warped portrait that speaks by eSpeak NG): its figures show that "
            "the workflow works and cannot be compared with those of CREMA-D or LRW."
        )
    write_text(given.output_markdown, to_markdown(rows, notes))
    write_text(given.output_tex, to_tex(rows))
    indexes = {index.dataset: index.fingerprint for index in map(read_index, given.indexes)}
    provenance = json.loads(given.provenance_input)
    provenance |= {
        "data": indexes,
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in PACKAGES},
        "metrics": {path: sha256_of(path) for path in given.metrics},
    }
    write_json(given.output_provenance, provenance)
    write_text(given.output_csv, to_csv(rows))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--metrics", nargs="*", required=True)
    arguments.add_argument("--indexes", nargs="*", required=True)
    for name in ("--provenance-input", "--output-csv", "--output-markdown", "--output-tex", "--output-provenance"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.write_table1", arguments, main)
