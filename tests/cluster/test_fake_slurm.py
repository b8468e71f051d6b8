"""The committed Slurm profile against stand-ins for Slurm's commands: what jobs ask for, and what happens when they fail."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.cluster.fake_slurm import install, output_of, submissions
from tests.cluster.profile import command, environment, run
from tests.conftest import TINY

pytestmark = pytest.mark.slow

TINY_CONFIG = ("--configfile", str(TINY))
TRACK = "resources/embedded/track/{}.json"


@pytest.fixture
def prepared(finished, tmp_path):
    """A copy of the finished run in which the clips are there and nothing is tracked."""
    work = tmp_path / "work"
    shutil.copytree(finished.work, work)
    for stage in ("track", "align", "crop", "landmark", "audio", "shards"):
        shutil.rmtree(work / "resources/embedded" / stage)
    return work


def restored(finished, work):
    """A job that takes its products, and all others, from the finished run."""
    folders = " ".join(f"{finished.work}/{name}" for name in ("resources", "results", "benchmarks", "logs"))
    return f"flock {finished.work.parent}/copying cp -r -n {folders} {work}/"


def asked(options):
    keys = ("--cpus-per-task", "--mem", "-t", "--nodes", "--gpus", "-p", "--signal")
    return {key: options[key] for key in keys if key in options}


def test_what_each_rule_asks_for(finished, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    slurm = install(tmp_path / "slurm", {"": [restored(finished, work)]})
    gpus = "runs={ours.gpus: 4, ours.training.gradient_accumulation: 1}"
    targets = [f"results/metrics/{method}/embedded/00002.json" for method in ("ours", "ground_truth")]
    done = run(finished.project, work, slurm, *TINY_CONFIG, "--config", gpus, "--", *targets)
    assert done.returncode == 0, done.stdout
    found = submissions(tmp_path / "slurm")
    assert len(found) == 7, done.stdout
    by_rules = {comment: asked(options) for comment, options in found}
    always = {"-p": "main", "--signal": "USR1@300"}
    shard = "rule_shard_align_faces_crop_faces_extract_audio_pack_shards_place_landmarks_..."
    # Seven stages in a row, of which crop and audio are at once, each ten minutes and more for its clip; quality is not asked for.
    # The test shard has its phone times too.
    asks = [asked(options) for comment, options in found if comment == shard]
    assert sorted(options.pop("-t") for options in asks) == ["85", "85", "96"]
    assert asks == 3 * [always | {"--cpus-per-task": "2", "--mem": "3900", "--nodes": "1"}]
    assert by_rules["rule_videos_copy_reference_measure_videos"] == always | {
        "--cpus-per-task": "1", "--mem": "2700", "-t": "22", "--nodes": "1",
    }  # fmt: skip
    assert by_rules["rule_train_model_wildcards_ours"] == always | {
        "--cpus-per-task": "32", "--mem": str(4 * 6685 + 700), "-t": "1440", "--nodes": "1", "--gpus": "4",
    }  # fmt: skip
    assert by_rules["rule_sample_videos_wildcards_ours_embedded_00002_0000"] == always | {
        "--cpus-per-task": "8", "--mem": "3700", "-t": "240", "--nodes": "1",
    }  # fmt: skip
    assert all("--requeue" in options for _, options in found)


def test_a_killed_job_is_tried_again_with_more(finished, prepared, tmp_path):
    killed = ["echo TIMEOUT > $FAKE_STATE", restored(finished, prepared)]
    slurm = install(tmp_path / "slurm", {"rule_track_faces": killed})
    target = TRACK.format("00000")
    done = run(finished.project, prepared, slurm, *TINY_CONFIG, "--groups", "align_faces=none", "--", target)
    assert done.returncode == 0, done.stdout
    assert [(options["--mem"], options["-t"]) for _, options in submissions(tmp_path / "slurm")] == [
        ("2200", "11"), ("3700", "22"),
    ]  # fmt: skip


def test_an_error_of_a_job_itself_is_not_tried_again_and_other_shards_go_on(finished, prepared, tmp_path):
    (prepared / "resources/embedded/source/00000.json").write_text("{}")
    slurm = install(tmp_path / "slurm")
    done = run(finished.project, prepared, slurm, *TINY_CONFIG, "--rerun-triggers", "mtime", "--groups", "align_faces=none",
               "--retries", "1", "--", TRACK.format("00000"), TRACK.format("00001"))  # fmt: skip
    assert done.returncode != 0
    assert (prepared / TRACK.format("00001")).is_file()
    assert not (prepared / TRACK.format("00000")).exists()
    broken = [n for n, (name, _) in enumerate(submissions(tmp_path / "slurm")) if name.endswith("00000")]
    said = [output_of(tmp_path / "slurm", place) for place in broken]
    assert len(said) == 2
    assert "00000.json is not a usable manifest" in (prepared / "logs/track_faces/embedded/00000.log").read_text()
    assert "rule track_faces" in said[0]
    assert "this job is not tried again: its last attempt ended by an error of its own" in said[1]
    assert "rule track_faces" not in said[1], "the job began again"


def test_a_run_that_was_cancelled_goes_on(finished, prepared, tmp_path):
    waits = f"touch {tmp_path}/began; while test ! -e {tmp_path}/go; do sleep 0.1; done"
    slurm = install(tmp_path / "slurm", {"rule_track_faces": [waits, restored(finished, prepared)]})
    arguments = (*TINY_CONFIG, "--groups", "align_faces=none", "--", TRACK.format("00000"))
    process = subprocess.Popen(
        command(finished.project, prepared, "--seconds-between-status-checks", "10", *arguments),
        cwd=prepared, env=environment(prepared, slurm),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    # Snakemake cancels the jobs that it has noted, and notes none while it asks for their states: interrupt after the first answer.
    deadline = time.monotonic() + 120
    while not ((tmp_path / "began").exists() and (tmp_path / "slurm/asked").exists()):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=120)
    assert "1001" in (tmp_path / "slurm/cancelled").read_text()
    (tmp_path / "go").touch()
    done = run(finished.project, prepared, slurm, *arguments)
    assert done.returncode == 0, done.stdout
    assert (prepared / TRACK.format("00000")).is_file()
