"""Folders of files that a corpus is planned from."""

from types import SimpleNamespace

from dheads_model.corpora.folder import list_clips
from dheads_model.corpora.plan import plan_shards, write_plan
from dheads_model.manifest import read_manifest
from tests.factories.shards import BUDGET
from workflow_scripts.adopt_clips import main

SETTINGS = {"table": None, "validation_fraction": 0.2, "test_fraction": 0.2}


def put(folder, *names):
    """Make files of one byte; returns the folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def listed(folder, **settings):
    """Clips that the folder corpus finds there."""
    return list_clips(SETTINGS | settings, str(folder), all_test=False)


TIMES = [number / 25 for number in range(10)]


def adopt(folder, between=lambda clips: None):
    """Manifest of `adopt_clips` on the clips planned in folder/clips, after `between` was called on these."""
    shard = plan_shards(list_clips(SETTINGS, str(folder / "clips"), all_test=True), 100)[0]
    write_plan(folder / "plan.json", "folder", shard)
    between(folder / "clips")
    main(
        SimpleNamespace(
            plan=folder / "plan.json", planning=None, dataset="folder", membership="", manifest=folder / "source.json", settings={},
            budget=BUDGET,
        )
    )  # fmt: skip
    return read_manifest(folder / "source.json")
