"""Results copied to another folder, with a checkout elsewhere: nothing is planned again."""

import os
import random
import shutil

import pytest

from tests.conftest import TINY
from tests.workflow import copy_project, plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Another checkout of the same code."""
    return copy_project(tmp_path_factory.mktemp("other machine"))


def copied(finished, target, times):
    shutil.copytree(finished.work, target, copy_function=shutil.copy2 if times == "kept" else shutil.copy)
    if times == "shuffled":
        paths = [path for path in target.rglob("*") if path.is_file()]
        random.Random(0).shuffle(paths)
        for place, path in enumerate(paths):
            os.utime(path, (1.7e9 + place, 1.7e9 + place))
    return target


@pytest.mark.parametrize("times", ["kept", "of the copy", "shuffled"])
def test_a_copied_folder_plans_nothing(finished, elsewhere, tmp_path, times):
    work = copied(finished, tmp_path / "a copy", times)
    assert plan(elsewhere, work, "--configfile", str(TINY)) == {}


def test_logs_benchmarks_and_state_need_not_be_copied(finished, elsewhere, tmp_path):
    work = copied(finished, tmp_path / "a copy", "kept")
    for name in ("logs", "benchmarks", "state", ".snakemake/log"):
        shutil.rmtree(work / name)
    assert plan(elsewhere, work, "--configfile", str(TINY)) == {}


def test_without_snakemake_s_records_changed_settings_are_not_noticed_by_planning(finished, elsewhere, tmp_path):
    work = copied(finished, tmp_path / "a copy", "kept")
    assert "crop_faces" in plan(elsewhere, work, "--configfile", str(TINY), "--config", "crop={crf: 11}")
    shutil.rmtree(work / ".snakemake")
    assert "crop_faces" not in plan(elsewhere, work, "--configfile", str(TINY), "--config", "crop={crf: 11}")
