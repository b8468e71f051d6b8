"""The time of a run, estimated before it starts."""

import json

import pytest
import yaml

from tests.workflow import ROOT
from workflow_scripts.planning.plan import make_work_plan
from workflow_scripts.planning.time_need import time_need, time_sentence

DEFAULT_RUN = {
    "synthesise_clips": 7, "track_faces": 7, "align_faces": 7, "crop_faces": 7, "place_landmarks": 7, "extract_audio": 7,
    "pack_shards": 7, "index_shards": 1, "train_model": 1, "sample_videos": 1, "copy_reference": 2, "measure_videos": 3,
    "write_table1": 1, "draw_strips": 2, "plot_training": 1, "extract_features": 3, "measure_distances": 3, "total": 61, "all": 1,
}  # fmt: skip


def config() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


def test_the_default_run_takes_less_than_ten_minutes_on_two_cores(tmp_path):
    need = time_need(DEFAULT_RUN, make_work_plan(config()), 2, tmp_path)
    assert need.unknown == ()
    assert 6 * 60 < need.seconds < 10 * 60
    more = time_need(DEFAULT_RUN, make_work_plan(config()), 8, tmp_path)
    assert need.seconds - more.seconds > 30


def test_finished_jobs_of_the_folder_count_before_the_constants(tmp_path):
    plan, stats = make_work_plan(config()), {"track_faces": 10}
    (tmp_path / "benchmarks/track_faces/embedded").mkdir(parents=True)
    for number, seconds in enumerate((100.0, 300.0)):
        path = tmp_path / f"benchmarks/track_faces/embedded/0000{number}.jsonl"
        path.write_text(json.dumps({"s": seconds}) + "\n")
    assert time_need(stats, plan, 2, tmp_path).seconds == 1000.0


def test_what_is_not_known_is_said(tmp_path):
    settings = config()
    settings["runs"]["ours"]["network"]["base_channels"] *= 2
    need = time_need(DEFAULT_RUN | {"fetch_crema_d": 3}, make_work_plan(settings), 2, tmp_path)
    assert need.unknown == ("training ours", "sample_videos (1)", "fetch_crema_d (3)")
    assert "without training ours, sample_videos (1), fetch_crema_d (3)" in time_sentence(need, "on 2 cores")


def test_shards_that_are_cut_into_several_sampling_jobs_are_sampled_once(tmp_path):
    cut = config()
    clips = sum(make_work_plan(cut).evaluated("embedded").values())
    cut["sharding"]["clips_per_sampling_job"] = clips // 4
    one = time_need({"sample_videos": 1}, make_work_plan(config()), 2, tmp_path).seconds
    assert one < time_need({"sample_videos": 4}, make_work_plan(cut), 2, tmp_path).seconds < one + 10
    half = time_need({"sample_videos": 2}, make_work_plan(cut), 2, tmp_path).seconds
    assert half == pytest.approx(time_need({"sample_videos": 4}, make_work_plan(cut), 2, tmp_path).seconds / 2)


def test_only_clips_that_get_videos_are_sampled(tmp_path):
    few = config()
    few["test_subset"]["clips"] = 4
    all_clips, some = (
        time_need({"sample_videos": 1}, make_work_plan(of), 2, tmp_path).seconds for of in (config(), few)
    )
    assert some < all_clips / 2
