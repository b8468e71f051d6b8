"""The room a run needs is said before it starts, and a disk that is too small stops it."""

import re
import shutil
from collections import namedtuple

import pytest
import yaml

from dheads_model.errors import UserError
from dheads_model.files import readable_size
from tests.workflow import ROOT
from workflow_scripts.planning.disk_need import check_disk, check_writable, disk_need
from workflow_scripts.planning.plan import make_work_plan


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
    assert re.search(r"will be written \(crema_d \d+ MB\); \d", check_disk(plan, tmp_path))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(UserError, match=r"has 1.00 MB free and the run needs about \d+ MB .*--directory"):
        check_disk(plan, tmp_path)


def test_what_is_free_and_what_is_needed_never_look_alike(tmp_path, monkeypatch):
    plan = make_work_plan(corpus(config()))
    need = sum(disk_need(plan, tmp_path).values())
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, need - 1))
    with pytest.raises(UserError, match=r"\), 1 bytes more: make room"):
        check_disk(plan, tmp_path)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1234, "1.23 kB"), (99_900_000, "99.9 MB"), (143_000_000, "143 MB"),
     (83_040_000_000, "83.0 GB"), (9_990_000_000_000, "9.99 TB")],
)  # fmt: skip
def test_sizes_are_written_with_three_figures(count, text):
    assert readable_size(count) == text


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    check_writable(tmp_path)
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).endswith("results"))
    with pytest.raises(UserError, match=r"results cannot be written: .*--directory"):
        check_writable(tmp_path)
