"""Per-clip metrics of two methods on three clips, with manifests and recipes, as tables read them."""

from pathlib import Path

import pandas as pd

from dheads_model.manifest import Manifest, Outcome, store_files, write_manifest
from dheads_model.recipe import write_recipe

TABLE_SETTINGS = {
    "absent": {}, "dataset_notes": {}, "missing": {}, "uncomputed": {}, "reference": "ours",
    "methods": [["ours", "model"], ["ground_truth", "ground_truth"]],
}  # fmt: skip


def measured_manifests(folder_above: Path) -> list[str]:
    """Manifests of the per-clip metrics of two methods on three clips."""
    paths = []
    for method, values in (("ours", (20.0, 24.0, 1 / 3)), ("ground_truth", (30.0, 31.0, 32.0))):
        folder = folder_above / "metrics" / method / "embedded"
        folder.mkdir(parents=True)
        rows = pd.DataFrame(
            {
                "dataset": "embedded", "split": "test", "speaker": ["a", "b", "c"] * 2, "method": method,
                "clip": ["a_1", "b_1", "c_1"] * 2, "frames": 50, "metric": ["psnr"] * 3 + ["lmd_mouth"] * 3,
                "value": [*values, 1.0, 1.5, 2.0], "status": "ok", "reason": "",
            }
        )  # fmt: skip
        rows.to_parquet(folder / "00000.parquet", index=False)
        outcomes = tuple(Outcome(clip, "ok", "", "", {}) for clip in ("a_1", "b_1", "c_1"))
        stored = store_files([folder / "00000.parquet"], folder / "00000.json")
        manifest = Manifest("measure_videos", "embedded", "test", "00000", {}, outcomes, stored)
        write_manifest(folder / "00000.json", manifest)
        write_recipe(folder / "00000.json", "workflow_scripts.measure_videos", {}, "c0de")
        paths.append(str(folder / "00000.json"))
    return paths
