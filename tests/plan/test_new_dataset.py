"""A dataset is one module: written into a copy of the project, it is checked, planned and adopted."""

import json
import re
import subprocess
import sys

import pytest

from tests.conftest import TINY
from tests.media_fixtures import write_media
from tests.workflow import copy_project, plan, snakemake

pytestmark = pytest.mark.slow

MODULE = '''
"""Every .mp4 of a folder; the speaker is what stands before the first underscore of its name."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from dheads_model.corpora.dataset import Dataset, SourceJob
from dheads_model.corpora.given_path import given_path
from dheads_model.corpora.plan import PlannedClip, assign_splits


@dataclass(frozen=True, config={"extra": "forbid"})
class MineSettings:
    """My clips."""

    path: Annotated[str, Field(description="The folder.")] = "clips"
    test_fraction: Annotated[float, Field(ge=0, le=1, description="Share of speakers in the test.")] = 0.34


def list_clips(config):
    block = config["mine"]
    files = sorted(Path(given_path(block["path"])).glob("*.mp4"))
    speakers = {file: file.stem.partition("_")[0] for file in files}
    splits = assign_splits(speakers.values(), 0.34, block["test_fraction"])
    return [
        PlannedClip(file.stem, speakers[file], splits[speakers[file]], "", str(file), {"bytes": file.stat().st_size})
        for file in files
    ]


DATASET = Dataset(
    name="mine",
    settings=MineSettings,
    list_clips=list_clips,
    source=SourceJob(rule="adopt_mine"),
    planned_keys=lambda config: {"mine": config["mine"] | {"path": given_path(config["mine"]["path"])}},
    frames_per_clip=10,
    note="mine is a collection of my own.",
)
'''
# Rules with a job a shard; three speakers make three shards, one a split.
BY_SHARD = ("adopt_mine", "track_faces", "align_faces", "crop_faces", "extract_audio", "place_landmarks", "pack_shards")
ONCE = ("index_shards", "write_data_card", "train_model", "sample_videos", "write_table1")


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """(project with the module, work folder, overlay), of three clips of three speakers."""
    folder = tmp_path_factory.mktemp("mine")
    project = copy_project(folder / "project")
    (project / "dheads_model/corpora/datasets/mine.py").write_text(MODULE)
    work = folder / "work"
    (work / "clips").mkdir(parents=True)
    for number, speaker in enumerate(("ada", "ben", "cyd")):
        write_media(work / f"clips/{speaker}_1.mp4", [frame / 25 for frame in range(10)], number, click=0.1)
    overlay = {"datasets": ["mine"], "runs": {"ours": {"dataset": "mine"}}}
    (folder / "mine.json").write_text(json.dumps(overlay))
    return project, work, folder / "mine.json"


def test_all_stages_of_a_new_dataset_are_planned(mine):
    project, work, overlay = mine
    counts = plan(project, work, "--configfile", str(TINY), str(overlay))
    assert {rule: counts.get(rule) for rule in BY_SHARD} == dict.fromkeys(BY_SHARD, 3)
    assert {rule: counts.get(rule) for rule in ONCE} == dict.fromkeys(ONCE, 1)


def test_its_clips_are_adopted_in_their_splits(mine):
    project, work, overlay = mine
    target = "resources/mine/source/00002.json"
    done = snakemake(project, work, "--cores", "1", "--configfile", str(TINY), str(overlay), "--", target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"will be written \(mine \d", done.stderr)
    made = json.loads((work / target).read_text())
    assert (made["dataset"], made["split"]) == ("mine", "test")
    assert [clip["status"] for clip in made["clips"]] == ["ok"]


@pytest.mark.parametrize(
    ("block", "answer"),
    [
        ({"path": "elsewhere"}, "the config is right"),
        ({"test_fraction": 2}, "error: config key mine.test_fraction is 2; the largest allowed is 1"),
        ({"pth": "elsewhere"}, "error: config key mine.pth does not exist; did you mean path?"),
    ],
)
def test_its_block_is_checked(mine, tmp_path, block, answer):
    project, _, overlay = mine
    (tmp_path / "more.json").write_text(json.dumps({"mine": block}))
    command = [sys.executable, "-m", "workflow_scripts.check_config", str(overlay), str(tmp_path / "more.json")]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert answer in done.stdout + done.stderr


def test_a_dataset_that_nobody_wrote_is_refused_with_those_that_there_are(mine, tmp_path):
    project, _, _ = mine
    (tmp_path / "more.json").write_text(json.dumps({"datasets": ["mein"]}))
    command = [sys.executable, "-m", "workflow_scripts.check_config", str(tmp_path / "more.json")]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 2
    assert "it must be one of crema_d, embedded, folder, grid, lrw, mine" in done.stderr
