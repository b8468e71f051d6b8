"""Failed clips are tried again: just the stages from the failure on are forgotten, in just those shards."""

import pytest

from dheads_model.corpora.plan import PlannedShard, write_plan
from dheads_model.manifest import Manifest, Outcome, write_manifest
from dheads_model.stages.retry import STAGES, forget


@pytest.fixture
def base(tmp_path):
    """Three finished shards: one whole, one with a filtered clip, one with a clip that failed in align."""
    for number, (stage, status, reason) in {
        "00000": ("", "", ""), "00001": ("track", "filtered", "no_face"), "00002": ("align", "failed", "crashed")
    }.items():  # fmt: skip
        write_plan(tmp_path / f"plan/{number}.json", "d", PlannedShard(number, "test", ()))
        for name in (*STAGES, "shards/test"):
            outcome = Outcome("c", status, reason) if name == stage else Outcome("c", "ok")
            write_manifest(
                tmp_path / name / f"{number}.json", Manifest(name, "d", "test", number, {}, (outcome,))
            )  # fmt: skip
    (tmp_path / "index.json").touch()
    return tmp_path


def left(base) -> dict[str, list[str]]:
    return {
        path.name: sorted(str(p.parent.relative_to(base)) for p in base.rglob(path.name))
        for path in (base / "plan").iterdir()
    }


def test_only_failed_shards_are_forgotten_and_only_from_the_failure_on(base):
    before = left(base)
    assert forget(base) == ["shard 00002: 1 clips failed in align"]
    after = left(base)
    assert after["00000.json"] == before["00000.json"] and after["00001.json"] == before["00001.json"]
    assert after["00002.json"] == ["plan", "source", "track"]
    assert (base / "index.json").exists()
    assert forget(base) == []


def test_without_failures_nothing_is_touched(base):
    forget(base)
    (base / "index.json").touch()
    assert forget(base) == []
    assert (base / "index.json").exists()
