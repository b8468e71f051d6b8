"""The throughput benchmark's arithmetic: what it reads of jobs, the folder it lays out, its estimate and its table."""

import json

from workflow_scripts.benchmarks.throughput import estimate, lay_out_clips, read_job_benchmarks, to_markdown

ROW = {
    "back_end": "mediapipe",
    "clips_per_shard": 32,
    "cores": 2,
    "clips": 64,
    "frames": 3456,
    "seconds": 100.0,
    "clips_per_second": 0.64,
    "frames_per_second": 34.56,
    "cpu_seconds_by_stage": {"track_faces": 100.0, "crop_faces": 40.0, "adopt_clips": 10.0},
    "peak_megabytes_by_stage": {"track_faces": 333, "crop_faces": 250, "adopt_clips": 37},
}


def test_jobs_of_a_stage_are_added_and_the_largest_one_counts(tmp_path):
    jobs = {
        "track_faces/folder/00000": (10.0, 100.0),
        "track_faces/folder/00001": (12.5, 300.0),
        "index_shards/folder": (1, 1),
    }
    for name, (seconds, memory) in jobs.items():
        path = tmp_path / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cpu_time": seconds, "max_rss": memory}) + "\n")
    too_short_to_be_seen = tmp_path / "adopt_clips/00000.jsonl"
    too_short_to_be_seen.parent.mkdir()
    too_short_to_be_seen.write_text('{"cpu_time": null, "max_rss": null}\n')
    stages = read_job_benchmarks(tmp_path)
    assert stages["track_faces"] == (22.5, 300 * 2**20 / 1e6)
    assert stages["adopt_clips"] == (0, 0) == stages["pack_shards"]
    assert "index_shards" not in stages


def test_the_folder_has_as_many_clips_as_asked_for_all_in_one_split(tmp_path):
    sources = []
    for number in range(3):
        path = tmp_path / f"source{number}.flv"
        path.write_bytes(bytes([number]))
        sources.append(str(path))
    lay_out_clips(tmp_path / "clips", sources, 7)
    assert [path.read_bytes()[0] for path in sorted((tmp_path / "clips").glob("*.flv"))] == [0, 1, 2, 0, 1, 2, 0]
    table = (tmp_path / "clips/table.csv").read_text().splitlines()
    assert len(table) == 8 and all(",train," in line for line in table[1:])


def test_the_estimate_is_clips_over_pace():
    assert estimate(ROW, 7442).startswith("CREMA-D (7,442 clips) will take about 3.2 hours on 2 cores")


def test_the_table_says_where_the_time_goes():
    result = {"rows": [ROW], "crema_d_clips": 7442, "not_measured": {"face-alignment": "its weights are not here"}}
    table = to_markdown(result)
    # Of 200 core seconds: 100 track, 40 crop, 10 others; 50 were spent in no job.
    assert "| 3.2 | 50% | 20% | 5% | 25% | 333 |" in table
    assert "face-alignment was not measured: its weights are not here." in table
