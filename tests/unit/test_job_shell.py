"""The shell text before every job's command: strict, at home in any folder, going on only when that helps."""

import os
import signal
import subprocess
import sys

import pytest

from dheads_model.errors import UserError
from tests.workflow import ROOT
from workflow_scripts.planning.job_shell import job_prefix


def bash(prefix, command):
    # Snakemake formats the prefix once.
    return subprocess.run(["bash", "-c", prefix.format() + command], capture_output=True, text=True)


@pytest.mark.parametrize("name", ["plain", "a space", "Müller (alt)", "b{race}s", "it's", 'q"uote', "$HOME", "a&b;c"])
def test_code_and_python_are_found_whatever_the_folder_is_called(tmp_path, name):
    project = tmp_path / name
    project.mkdir()
    (project / "found_here.py").write_text("print('found')")
    done = bash(job_prefix(str(project)), "python -m found_here; command -v python")
    assert (done.returncode, done.stdout.split()) == (0, ["found", os.path.dirname(sys.executable) + "/python"])


def test_a_folder_that_cannot_stand_in_a_search_path_is_refused():
    with pytest.raises(UserError, match="colon"):
        job_prefix("/data/a:b")


@pytest.mark.parametrize("command", ["false | tee /dev/null", "false; true", "echo $no_such_name"])
def test_a_failure_inside_a_command_fails_the_job(command):
    assert bash(job_prefix("/project"), command).returncode != 0


@pytest.mark.parametrize(("code", "tries"), [(0, 1), (1, 1), (2, 1), (130, 1), (137, 1), (75, 4)])
def test_only_code_75_is_tried_again(tmp_path, code, tries):
    command = f"until_done bash -c 'echo try >> {tmp_path}/tries; exit {code}' 2>&1 | tee {tmp_path}/log"
    assert bash(job_prefix("/project"), command).returncode == code
    assert (tmp_path / "tries").read_text().count("try") == tries


def test_a_stopped_job_goes_on_until_it_is_done(tmp_path):
    command = f"until_done bash -c 'test -e {tmp_path}/state && exit 0; touch {tmp_path}/state; exit 75'"
    assert bash(job_prefix("/project"), command).returncode == 0


@pytest.mark.parametrize(("state", "requeued"), [("RUNNING", True), ("COMPLETING", False), ("", False)])
def test_a_stopped_slurm_job_goes_back_into_the_queue_unless_it_was_cancelled(tmp_path, state, requeued):
    for name, text in (("squeue", f"echo {state}"), ("scontrol", f'echo "$@" >> {tmp_path}/said'), ("sleep", "exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    slurm = f'export SLURM_JOB_ID=17 PATH={tmp_path}:"$PATH"; '
    # The shell is killed while it sleeps.
    done = bash(job_prefix("/project"), slurm + f"until_done bash -c 'echo try >> {tmp_path}/tries; exit 75'")
    tries = (tmp_path / "tries").read_text().count("try")
    said = (tmp_path / "said").read_text() if requeued else ""
    assert (done.returncode != 0, tries, said) == (True, 1 if requeued else 4, "requeue 17\n" if requeued else "")


def test_a_warning_before_the_time_limit_ends_no_process_but_the_command(tmp_path):
    """Slurm sends the signal to every process of a job; bash and tee must live until the training has saved its state."""
    training = (
        "import os, signal, sys, time; signal.signal(signal.SIGUSR1, lambda *_: (os.write(1, b'saved;'), sys.exit(3))); "
        "os.write(1, b'began;'); time.sleep(600)"
    )
    shell = f'set -o pipefail; {sys.executable} -c "{training}" | tee -i {tmp_path}/log'
    started = (
        "import os; from workflow_scripts.planning.job_shell import leave_warnings_to_commands as ignore; ignore(); "
    )
    command = [sys.executable, "-c", f"{started} os.execvp('bash', ['bash', '-c', {shell!r}])"]
    process = subprocess.Popen(command, start_new_session=True, cwd=ROOT)
    while not (tmp_path / "log").exists() or "began;" not in (tmp_path / "log").read_text():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGUSR1)
    assert process.wait(timeout=120) == 3
    assert (tmp_path / "log").read_text() == "began;saved;"
