"""The room a run needs is said before it starts, and a disk that is too small stops it."""

import shutil
from collections import namedtuple

import pytest
import yaml

from dheads_model.errors import UserError
from tests.workflow import ROOT
from workflow_scripts.disk_need import check_disk, disk_need
from workflow_scripts.planning import make_work_plan


def config(**changes) -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text()) | changes


def corpus(block: dict, **crema_d) -> dict:
    """Config of CREMA-D's test actor 1015, 82 clips."""
    runs = {"ours": block["runs"]["ours"] | {"dataset": "crema_d"}}
    return block | {"datasets": ["crema_d"], "runs": runs, "crema_d": block["crema_d"] | {"actors": [1015]} | crema_d}


def test_downloads_count_unless_a_folder_is_given(tmp_path):
    fetched = disk_need(make_work_plan(corpus(config())), tmp_path)["crema_d"]
    adopted = disk_need(make_work_plan(corpus(config(), path=str(tmp_path))), tmp_path)["crema_d"]
    assert 20e6 < fetched - adopted < 35e6  # 82 clips of about 0.33 MB
    assert 50e6 < adopted < 500e6


def test_finished_shards_need_nothing_more(tmp_path):
    plan = make_work_plan(config())
    whole = disk_need(plan, tmp_path)["embedded"]
    for number, shard in plan.shards["embedded"].items():
        done = tmp_path / "resources/embedded/shards" / shard.split / f"{number}.json"
        done.parent.mkdir(parents=True, exist_ok=True)
        done.touch()
    assert whole > 0
    assert check_disk(plan, tmp_path) == ""


def test_a_small_disk_stops_the_run_in_one_sentence(tmp_path, monkeypatch):
    plan = make_work_plan(corpus(config()))
    assert "will be written (crema_d 0." in check_disk(plan, tmp_path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(UserError, match=r"has 0.0 GB free and the run needs about 0.\d GB .*--directory"):
        check_disk(plan, tmp_path)
