"""What `status` says of a folder, and the table of the resources that its jobs used."""

import json

import pytest

from dheads_model.errors import UserError
from dheads_model.tables.resource_use import draw_use, read_use, use_table
from tests.factories.configs import laid
from workflow_scripts.planning.folder_lock import hold_folder
from workflow_scripts.planning.folder_state import report
from workflow_scripts.planning.plan import make_work_plan
from workflow_scripts.planning.run_record import read_record, write_record
from workflow_scripts.status import main


@pytest.fixture
def work(tmp_path):
    """A folder in which a run of the default config was stopped: two shards are tracked, half of the training is done."""
    (tmp_path / ".snakemake/log").mkdir(parents=True)
    write_record(tmp_path, make_work_plan(laid()), 2, "on 2 cores")
    for number, counts in (
        ("00000", {"ok": 15, "filtered": 1, "failed": 0}),
        ("00001", {"ok": 13, "filtered": 0, "failed": 3}),
    ):
        path = tmp_path / f"resources/embedded/track/{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"counts": {"in": 16, **counts}}))
        measured = tmp_path / f"benchmarks/track_faces/embedded/{number}.jsonl"
        measured.parent.mkdir(parents=True, exist_ok=True)
        measured.write_text(json.dumps({"s": 1800.0, "cpu_time": 900.0, "max_rss": 300.0}) + "\n")
    log = tmp_path / "state/ours/a/training.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text(json.dumps({"images": 7000, "images_per_second": 50.0}) + "\n")
    return tmp_path


def row(text, stage):
    [line] = [line for line in text.splitlines() if line.startswith(f"{stage} ")]
    return line.split()


def test_jobs_clips_hours_and_training(work):
    text = report(work)
    assert row(text, "embedded track") == ["embedded", "track", "track_faces", "2", "of", "7", "28", "1", "3", "1.000"]
    assert row(text, "embedded crop") == ["embedded", "crop", "crop_faces", "0", "of", "7", "0.000"]
    assert "training ours: 7,000 of 14,000 images (50%), about 2 min 20 s left" in text
    assert "nothing runs" in text


def test_sampling_is_counted_by_its_jobs(tmp_path):
    """A test shard of 16 clips is four jobs; one of them is done, and each takes as long."""
    config = laid()
    config["sharding"]["clips_per_sampling_job"] = 4
    (tmp_path / ".snakemake").mkdir()
    plan = make_work_plan(config)
    write_record(tmp_path, plan, 2, "on 2 cores")
    [shard] = plan.evaluated("embedded")
    assert len(plan.sampling_parts("embedded", shard)) == 4
    before = report(tmp_path)
    assert row(before, "ours videos")[3:6] == ["0", "of", "4"]
    part = tmp_path / f"results/videos/ours/embedded/parts/{shard}.0000.json"
    part.parent.mkdir(parents=True)
    part.write_text(json.dumps({"counts": {"in": 4, "ok": 4, "filtered": 0, "failed": 0}}))
    measured = tmp_path / f"benchmarks/sample_videos/ours/embedded/{shard}.0000.jsonl"
    measured.parent.mkdir(parents=True)
    measured.write_text(json.dumps({"s": 36000.0}) + "\n")
    text = report(tmp_path)
    assert row(text, "ours videos")[3:] == ["1", "of", "4", "4", "0", "0", "10.000"]
    assert "about 30 h" in text.splitlines()[-1]
    jobs = [int(of.splitlines()[-1].split()[1]) for of in (before, text)]
    assert jobs[0] - jobs[1] == 1


def test_the_rest_is_estimated_from_the_finished_jobs(work):
    # 5 shards of half an hour on two cores, the rest of the training, and the short stages.
    assert "about 1 h 18 min" in report(work).splitlines()[-1]


def test_a_running_process_and_failed_jobs_are_named(work):
    hold_folder(work, ["a"], [])
    failed = work / "logs/track_faces/embedded/00002.log"
    failed.parent.mkdir(parents=True)
    failed.write_text("error: a.json is damaged; delete it.\n")
    (work / ".snakemake/log/1.snakemake.log").write_text(
        "Error in rule track_faces:\n    message: None\n    log: logs/track_faces/embedded/00002.log (check log file(s))\n"
    )
    text = report(work)
    assert "running (process " in text
    assert (
        "failed in this run: 1 jobs\n  track_faces (logs/track_faces/embedded/00002.log): error: a.json is damaged"
        in text
    )


def test_a_folder_without_a_run_is_refused_in_one_sentence(tmp_path, capsys):
    assert main(["--directory", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: no run was started in {tmp_path}; start one")


def test_a_damaged_record_is_refused(work):
    (work / ".snakemake/dheads_run.json").write_text("{}")
    with pytest.raises(UserError, match="is not the record of a run"):
        read_record(work)


def test_the_table_of_resources_has_the_costliest_rule_first(work):
    short = work / "benchmarks/write_table1.jsonl"
    short.write_text(json.dumps({"s": 0.5, "cpu_time": "NA", "max_rss": "NA"}) + "\n")
    table = read_use(work / "benchmarks", {"track_faces": 1500})
    assert list(table["rule"]) == ["track_faces", "write_table1"]
    assert "| track_faces | 2 | 1800.0 | 1800.0 | 1.000 | 0.50 | 300 | 1500 |" in use_table(table)
    assert "| write_table1 | 1 | 0.5 | 0.5 | 0.000 |  |  |  |" in use_table(table)
    draw_use(table, work / "use.png")
    assert (work / "use.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="no job ran in this folder"):
        read_use(work / "nothing", {})
