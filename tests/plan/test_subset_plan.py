"""A seeded subset of the test clips: whatever shows videos asks for those shards only of which clips get videos."""

import pytest

from tests.workflow import ROOT, plan

pytestmark = pytest.mark.slow
# Four test shards of four clips, one clip for all of them.
ONE_CLIP = ("--config", "sharding={clips_per_shard: 4}", "test_subset={clips: 1}", "--")


@pytest.mark.parametrize(
    ("target", "references"),
    [("results/opinion_study/index.html", 1), ("results/figures/methods_embedded.png", 2)],
)
def test_videos_of_one_shard_are_made(tmp_path, target, references):
    jobs = plan(ROOT, tmp_path, *ONE_CLIP, target)
    assert (jobs["sample_videos"], jobs["gather_videos"], jobs["copy_reference"]) == (1, 1, references)
