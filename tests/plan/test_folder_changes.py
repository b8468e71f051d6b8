"""A clip that comes to a folder, goes or is touched replans its own shard; a copied result replans nothing."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import TINY
from tests.workflow import plan, snakemake

pytestmark = pytest.mark.slow

OVERLAY = {"datasets": ["folder"], "sharding": {"clips_per_shard": 2}, "runs": {"ours": {"dataset": "folder"}}}
# What a shard of test clips needs, by rule.
OF_A_SHARD = (
    "adopt_clips",
    "track_faces",
    "align_faces",
    "crop_faces",
    "place_landmarks",
    "extract_audio",
    "pack_shards",
)


@pytest.fixture(scope="module")
def prepared(finished, tmp_path_factory):
    """(project, work folder, its overlay): six clips in three shards, two of one split, with data card and index."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "clips").mkdir()
    films = sorted((finished.work / "resources/embedded/corpus/VideoFlash").glob("*.flv"))
    for number in range(6):
        shutil.copy(films[number % len(films)], folder / f"clips/c{number}.flv")
    overlay = OVERLAY | {"clips": str(folder / "clips"), "folder": {"table": "table.csv"}}
    rows = "".join(f"c{number},{'train' if number < 2 else 'test'}\n" for number in range(6))
    (folder / "clips/table.csv").write_text("clip,split\n" + rows)
    (folder / "overlay.yaml").write_text(json.dumps(overlay))
    work = folder / "work"
    work.mkdir()
    arguments = ("--configfile", str(TINY), str(folder / "overlay.yaml"))
    done = snakemake(finished.project, work, "--cores", "2", *arguments, "--", *TARGETS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert planned(finished, work, arguments) == {}
    return finished, work, arguments


TARGETS = ("results/data_card.csv", "resources/folder/index.json")


def planned(finished, work, arguments):
    return plan(finished.project, work, *arguments, "--", *TARGETS)


def shards_replanned(counts: dict[str, int]) -> set[int]:
    """How many shards each stage would make again."""
    return {counts.get(rule, 0) for rule in OF_A_SHARD}


def test_a_touched_clip_replans_its_shard(prepared):
    finished, work, arguments = prepared
    film = work.parent / "clips/c1.flv"
    before = film.stat()
    os.utime(film)
    try:
        counts = planned(finished, work, arguments)
    finally:
        os.utime(film, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert shards_replanned(counts) == {1}
    assert counts["index_shards"] == counts["write_data_card"] == 1


@pytest.mark.parametrize("gone", [False, True], ids=["added", "removed"])
def test_a_clip_more_or_less_replans_its_shard(prepared, gone):
    finished, work, arguments = prepared
    film, table = work.parent / "clips/c0b.flv", work.parent / "clips/table.csv"
    rows = table.read_text()
    aside = work.parent / "aside.flv"
    if gone:
        film = work.parent / "clips/c3.flv"
        shutil.move(film, aside)
        table.write_text(rows.replace("c3,test\n", ""))
    else:
        shutil.copy(work.parent / "clips/c0.flv", film)
        table.write_text(rows + "c0b,test\n")
    try:
        counts = planned(finished, work, arguments)
    finally:
        table.write_text(rows)
        shutil.move(aside, film) if gone else film.unlink()
    # A fifth test clip outgrows two shards of two: its split alone is cut anew.
    assert shards_replanned(counts) <= ({1} if gone else {1, 2, 3, 4})
    assert planned(finished, work, arguments) == {}


def test_clips_that_changed_after_planning_stop_their_job(prepared, tmp_path):
    from workflow_scripts.planned_shard import planned_shard

    _, work, _ = prepared
    given = {"clips": str(work.parent / "clips"), "sharding": {"clips_per_shard": 2}, "model": False}
    given |= {"folder": {"table": "table.csv", "validation_fraction": 0, "test_fraction": 0}}
    given |= {"runs": {"ours": {"min_clips": 1}}}
    from types import SimpleNamespace

    from dheads_model.errors import UserError

    asked = SimpleNamespace(planning=given, shard="00000", membership="0" * 12, plan=tmp_path / "plan.json")
    with pytest.raises(UserError, match="are not those that were planned: files came, went or changed"):
        planned_shard(asked, "folder")
    assert not asked.plan.exists()


def test_results_copied_without_their_times_plan_nothing(finished, tmp_path):
    copy_without_times(finished.work, tmp_path / "work")
    assert plan(finished.project, tmp_path / "work", "--configfile", str(TINY)) == {}


def copy_without_times(source: Path, target: Path) -> None:
    """As `cp -r` does: every file new, in whatever order, so that big files are newer than what was made of them."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for path in sorted(target.rglob("*.safetensors")):
        os.utime(path)
