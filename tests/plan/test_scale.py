"""The whole workflow of the large corpora is planned within memory, and its jobs grow with shards, never with clips."""

import json
import subprocess
import sys

import pytest

from tests.workflow import ROOT
from workflow_scripts.benchmarks.planning import GOALS

pytestmark = pytest.mark.slow

# In a process of its own: the peak memory of a child counts what its parent held when it was made.
_MEASURE = """
import json, sys
from pathlib import Path
from workflow_scripts.benchmarks.planning import dry_run_of
print(json.dumps(dry_run_of(sys.argv[1], Path(sys.argv[2]))()))
"""
# All shards of a corpus with the shipped sizes, and its test shards.
SHARDS = {"crema_d": (60, 7), "lrw_fetched": (539, 25), "lrw_in_a_folder": (539, 25)}
# Of 100 test clips each, at most.
SAMPLING_JOBS = {"crema_d": 13, "lrw_fetched": 250, "lrw_in_a_folder": 250}
OF_A_SHARD = ("track_faces", "align_faces", "crop_faces", "place_landmarks", "extract_audio", "pack_shards")
OF_THE_CORPUS = ("index_shards", "write_data_card", "train_model", "write_table1")


@pytest.mark.parametrize("corpus", GOALS)
def test_a_whole_corpus_is_planned_within_memory(corpus, tmp_path):
    command = [sys.executable, "-c", _MEASURE, corpus, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    shards, tested = SHARDS[corpus]
    jobs = found["rules"]
    assert {rule: jobs[rule] for rule in OF_A_SHARD} == dict.fromkeys(OF_A_SHARD, shards)
    assert {rule: jobs[rule] for rule in OF_THE_CORPUS} == dict.fromkeys(OF_THE_CORPUS, 1)
    assert (jobs["gather_videos"], jobs.get("fetch_lrw", 0)) == (tested, corpus == "lrw_fetched")
    assert jobs["sample_videos"] == SAMPLING_JOBS[corpus]
    assert max(jobs.values()) <= shards, "no rule has a job a clip"
    assert sum(jobs.values()) == found["jobs"]
    assert found["peak_megabytes"] < GOALS[corpus][1]
