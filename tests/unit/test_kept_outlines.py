"""Outlines of shards that jobs on other nodes take from the Snakemake that planned them."""

from dheads_model.corpora.plan import ShardOutline
from tests.factories.configs import laid
from workflow_scripts.planning.kept_outlines import keep_outlines, kept_outlines
from workflow_scripts.planning.plan import make_work_plan
from workflow_scripts.planning.shards import outline_dataset


def test_a_job_takes_what_was_planned(tmp_path):
    config = laid()
    planned = {
        "00000": ShardOutline("00000", "train", 3, 9, "abc"),
        "00001": ShardOutline("00001", "test", 1, 0, "def"),
    }
    keep_outlines({"embedded": planned}, config, tmp_path)
    kept = make_work_plan(config, lambda name, whole: kept_outlines(name, whole, tmp_path))
    assert kept.shards == {"embedded": planned}


def test_a_job_of_another_config_lists_its_clips_itself(tmp_path):
    config = laid()
    keep_outlines({"embedded": {}}, config, tmp_path)
    other = config | {"sharding": {"clips_per_shard": 7}}
    assert kept_outlines("embedded", other, tmp_path) == outline_dataset("embedded", other)
