"""What a person sees and types when a run is stopped, killed, or fails: the same command goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import TINY
from tests.workflow import copy_project, snakemake

pytestmark = pytest.mark.slow

COMMAND = ("--cores", "2", "--configfile", str(TINY), "--", "resources/embedded/align/00000.json")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("project"))


def start(project, work):
    """The command in a process group of its own, as a terminal starts it, once its first job with work runs."""
    work.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--snakefile", project / "Snakefile", "--directory", work, *COMMAND],
        cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        # Workers of parallel tests ignore Ctrl-C, and what they start would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (work / "logs/synthesise_clips/00000.log").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_same_command_goes_on_after_ctrl_c_and_after_a_kill(project, tmp_path, number):
    process = start(project, tmp_path / "work")
    os.killpg(process.pid, number)
    process.communicate(timeout=180)
    assert process.returncode != 0
    done = snakemake(project, tmp_path / "work", *COMMAND)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "work/resources/embedded/align/00000.json").is_file()


def test_a_second_snakemake_in_the_same_folder_is_refused_in_one_sentence(project, tmp_path):
    process = start(project, tmp_path / "work")
    # Held still, so that it cannot be done before the second one has begun.
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        second = snakemake(project, tmp_path / "work", *COMMAND)
        assert second.returncode != 0
        assert f"error: snakemake already works in {tmp_path / 'work'} (process {process.pid} on" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_the_last_thing_on_the_screen_is_the_failed_job_s_own_sentence(project, tmp_path):
    (tmp_path / "resources/embedded/source").mkdir(parents=True)
    damaged = tmp_path / "resources/embedded/source/00000.json"
    done = snakemake(project, tmp_path, "--cores", "2", "--configfile", str(TINY), "--", damaged.relative_to(tmp_path))
    assert done.returncode == 0, done.stderr
    damaged.write_text("{}")
    done = snakemake(project, tmp_path, *COMMAND)
    assert done.returncode != 0
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.strip().startswith("error: resources/embedded/source/00000.json is not a usable manifest")
    assert "Trying to restart" not in done.stderr
