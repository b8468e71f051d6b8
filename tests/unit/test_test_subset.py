"""A seeded subset of the test clips: proportional over the shards, and the same clips for every method and metric."""

import dataclasses

import pytest

from dheads_model.manifest import Outcome, read_manifest
from dheads_model.shards.reader import locate_clips, read_shard
from dheads_model.shards.subset import choose_clips
from dheads_model.stages import measure
from dheads_model.stages.measure import measure_shard
from dheads_model.stages.outside_videos import adopt_videos
from dheads_model.stages.reference import copy_references
from tests.factories.sampling import LENGTHS, bytes_of, job_of, make_export, make_test_shard, sample
from tests.workflow import call
from workflow_scripts import copy_reference
from workflow_scripts.planning.evaluated_clips import cut_parts, share_clips

CLIPS = [f"word_{number:03d}" for number in range(200)]


@pytest.mark.parametrize(
    ("shards", "wanted", "expected"),
    [
        ({"00000": 1000, "00001": 1000, "00002": 500}, 250, {"00000": 100, "00001": 100, "00002": 50}),
        ({"00000": 3, "00001": 3, "00002": 3}, 4, {"00000": 2, "00001": 1, "00002": 1}),
        ({"00000": 3, "00001": 1}, 1, {"00000": 1}),
        ({"00000": 3, "00001": 1}, 9, {"00000": 3, "00001": 1}),
    ],
)
def test_shares_are_proportional_and_add_up(shards, wanted, expected):
    found = share_clips(shards, wanted)
    assert found == expected
    assert sum(found.values()) == min(wanted, sum(shards.values()))


def test_the_choice_is_seeded_nested_and_in_order():
    few, more = (choose_clips(CLIPS, {"clips": count, "seed": 3}) for count in (20, 50))
    assert len(few) == 20 and set(few) < set(more) and few == sorted(few)
    assert choose_clips(CLIPS, {"clips": 20, "seed": 4}) != few
    assert choose_clips(CLIPS, None) == choose_clips(CLIPS, {"clips": 999, "seed": 3}) == CLIPS
    # A clip that could not be prepared is replaced, and the others stay.
    without = choose_clips([clip for clip in CLIPS if clip != few[0]], {"clips": 20, "seed": 3})
    assert set(few[1:]) < set(without) and len(without) == 20


def test_parts_cover_a_shard():
    assert cut_parts(250, 100) == {"0000": [0, 100], "0001": [100, 100], "0002": [200, 50]}
    assert cut_parts(16, 100) == cut_parts(16, 50) == {"0000": [0, 16]}
    assert cut_parts(0, 100) == {"0000": [0, 0]}


def test_all_methods_and_metrics_have_the_same_clips(tmp_path, monkeypatch):
    shard = make_test_shard(tmp_path)
    subset = {"clips": 3, "seed": 1}
    chosen = choose_clips(list(LENGTHS), subset)
    names = {f"{clip}.mp4" for clip in chosen}
    sample(job_of(shard, tmp_path / "ours", 2, 0, subset), make_export(tmp_path))
    sample(job_of(shard, tmp_path / "ours", 2, 1, subset), make_export(tmp_path))
    assert set(bytes_of(tmp_path / "ours/videos")) == names
    copy_references(shard, "ground_truth_of_another", tmp_path / "other", subset)
    assert set(bytes_of(tmp_path / "other")) == names
    outcomes, _ = adopt_videos(
        read_manifest(shard), shard, "given", tmp_path / "other", tmp_path / "adopted", subset
    )  # fmt: skip
    assert {outcome.clip for outcome in outcomes} == set(chosen) and set(bytes_of(tmp_path / "adopted")) == names
    manifest = tmp_path / "truth/00000.json"
    call(
        copy_reference.main, settings={"kind": "ground_truth"}, shard=shard, subset=subset, videos_folder=manifest.parent,
        manifest=manifest,
    )  # fmt: skip
    assert set(read_manifest(manifest).ok()) == set(chosen)
    measured = []
    monkeypatch.setattr(
        measure, "process_clips", lambda items, work: [measured.append(c) or Outcome(c, "ok") for c, _ in items]
    )
    monkeypatch.setattr(measure.MetricRows, "write", lambda *given: None)
    monkeypatch.setattr(measure, "requested_metrics", lambda settings: {})
    measure_shard(shard, manifest, "truth", {}, "", tmp_path / "m.parquet", tmp_path / "l.parquet")
    assert measured == chosen


def test_clips_are_located_without_being_read(tmp_path):
    shard = make_test_shard(tmp_path)
    located = locate_clips(shard)
    for found, clip in zip(located, read_shard(shard), strict=True):
        read = found.read()
        assert read.clip == clip.clip and (read.frames == clip.frames).all() and (read.audio == clip.audio).all()
        assert {field.name for field in dataclasses.fields(found)} == {"clip", "tar", "members"}
    assert len({clip.sha256() for clip in located}) == len(LENGTHS)
    assert [clip.clip for clip in read_shard(shard, {"a_2"})] == ["a_2"]
