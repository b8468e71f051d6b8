"""Messages about failed jobs, and the lock of a work directory."""

import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from workflow_scripts.planning.failures import _tell, failures, last_sentence
from workflow_scripts.planning.folder_lock import hold_folder, holders

LOG = """
Error in rule track_faces:
    message: None
    jobid: 0
    input: a.json
    output: b.json
    log: {log} (check log file(s) for error details)
    shell:
        python -m workflow_scripts.track_faces > {log} 2>&1
Error in rule plot_training:
    jobid: 4
"""


def test_each_failed_job_is_told_once_with_its_own_sentence(tmp_path):
    log = tmp_path / "track (1) ü.log"
    log.write_text("INFO started\nWARNING clip a failed\nerror: a.json is damaged; delete it.\nchild process ends\n")
    [told] = failures(LOG.format(log=log) * 2)
    assert told == ("track_faces", str(log), "error: a.json is damaged; delete it.")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Traceback\n  File\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("Traceback\n  File\nKeyboardInterrupt\n", "error: stopped; run the same command again to resume."),
        ("train: 10%\rtrain: 20%\rKilled", "Killed"),
        ("error: one.\nerror: two.\n", "error: two."),
    ],
)
def test_a_log_without_a_sentence_gives_its_last_line(tmp_path, text, sentence):
    (tmp_path / "x.log").write_bytes(text.encode())
    assert last_sentence(tmp_path / "x.log") == sentence


def test_an_empty_log_is_that_of_a_killed_job_or_of_a_full_disk(tmp_path, monkeypatch):
    (tmp_path / "x.log").touch()
    assert "ended without a message" in last_sentence(tmp_path / "x.log")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=4096))
    assert last_sentence(tmp_path / "x.log").startswith("error: the disk is full: make room")


def test_jobs_that_were_stopped_have_not_failed(tmp_path, capsys):
    for name, text in (
        ("a.log", "error: stopped; run the same command again to resume.\n"),
        ("b.log", "KeyboardInterrupt"),
    ):
        (tmp_path / name).write_text(text)
    found = failures(LOG.format(log=tmp_path / "a.log") + LOG.format(log=tmp_path / "b.log"))
    assert len(found) == 2
    _tell(found)
    assert capsys.readouterr().err == "\nstopped; run the same command again to resume.\n"


def test_a_log_that_is_not_there_is_no_second_error(tmp_path):
    assert "cannot be read" in last_sentence(tmp_path / "none.log")


HOLD = (
    "import sys, time; from workflow_scripts.planning.folder_lock import hold_folder, holders; "
    "hold_folder(sys.argv[1], sys.argv[2].split(), sys.argv[3].split()); print(1, flush=True); "
)


def hold(root, work, outputs, inputs):
    return subprocess.run([sys.executable, "-c", HOLD, work, outputs, inputs], cwd=root, capture_output=True, text=True)


def test_a_file_has_one_maker_and_a_killed_one_frees_it(tmp_path, root):
    held = subprocess.Popen(
        [sys.executable, "-c", HOLD + "time.sleep(60)", tmp_path, "a b", "c"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout.readline() == "1\n"
    try:
        assert holders(tmp_path) == [f"process {held.pid} on {socket.gethostname()}"]
        for outputs, inputs, shared in (
            ("a", "", "a"),
            ("x", "b", "b"),
            ("c", "x", "c"),
            ("a b x", "", "a and 1 more files"),
        ):
            second = hold(root, tmp_path, outputs, inputs)
            assert second.returncode
            assert (
                f"already works in {tmp_path} (process {held.pid} on {socket.gethostname()}) on {shared};"
                in second.stderr
            )
        # Files that nobody makes may be read by both.
        assert hold(root, tmp_path, "x", "c").returncode == 0
    finally:
        held.kill()
        held.wait()
    assert hold(root, tmp_path, "a", "").returncode == 0
    assert holders(tmp_path) == []


def test_a_file_system_without_locks_is_told_of(tmp_path, monkeypatch, capsys):
    import errno
    import fcntl

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    hold_folder(tmp_path, ["a"], [])
    assert "start no second snakemake here" in capsys.readouterr().err
