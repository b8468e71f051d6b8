"""The whole workflow of the large corpora is planned within memory, and with as many jobs as its shards ask for."""

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
# A shard: source, track, align, crop, landmark, audio, shard, quality.
STAGES = 8
SHARDS = {"crema_d": (60, 7), "lrw_fetched": (539, 25), "lrw_in_a_folder": (539, 25)}
# Index, data card, report, training, its curve, table, and the two targets.
ONCE = 8
# A test shard, with the three methods of the default config: references of two, videos of one, measures of all, two strips.
A_TEST_SHARD = 8


@pytest.mark.parametrize("corpus", GOALS)
def test_a_whole_corpus_is_planned_within_memory(corpus, tmp_path):
    command = [sys.executable, "-c", _MEASURE, corpus, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    shards, tested = SHARDS[corpus]
    assert found["jobs"] == STAGES * shards + A_TEST_SHARD * tested + ONCE + (corpus == "lrw_fetched")
    assert found["peak_megabytes"] < GOALS[corpus][1]
