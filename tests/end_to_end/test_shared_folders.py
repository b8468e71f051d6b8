"""Two workflows in one folder, data that cannot be written, and a disk that fills up."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import TINY
from tests.workflow import ROOT, copy_project, snakemake

pytestmark = pytest.mark.slow

FIRST = "resources/embedded/source/00000.json"
FOLDER = ("--cores", "2", "--configfile", str(ROOT / "config/folder.yaml"), "--config")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def clips(project, tmp_path_factory):
    """A folder with a clip that can be used."""
    work = tmp_path_factory.mktemp("rendered")
    done = snakemake(project, work, "--cores", "1", "--configfile", str(TINY), "--", FIRST)
    assert done.returncode == 0, done.stderr
    return next((work / "resources/embedded/corpus").rglob("*.flv")).parent


@pytest.fixture
def stopped(project, tmp_path):
    """A Snakemake that makes the source files of the first shard and is held still in the middle of it."""
    work = tmp_path / "work"
    work.mkdir()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "snakemake", "--snakefile", project / "Snakefile", "--directory", work, "--cores", "1",
            "--configfile", TINY, "--", FIRST,
        ],
        cwd=work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (work / "logs/synthesise_clips/00000.log").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGSTOP)
    yield process, work
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_two_workflows_with_disjoint_targets_work_in_one_folder(project, stopped):
    process, work = stopped
    target = ("--cores", "1", "--configfile", str(TINY), "--", "resources/embedded/track/00001.json")
    second = snakemake(project, work, *target)
    assert second.returncode == 0, second.stderr
    os.killpg(process.pid, signal.SIGCONT)
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    both = ("--cores", "1", "--configfile", str(TINY), "--", FIRST, "resources/embedded/track/00001.json")
    assert "nothing to do" in snakemake(project, work, *both).stderr


@pytest.mark.parametrize("target", [FIRST, "resources/embedded/track/00000.json", "results/table1.csv"])
def test_a_target_that_needs_a_file_of_the_other_is_refused_in_one_sentence(project, stopped, target):
    process, work = stopped
    second = snakemake(project, work, "--cores", "1", "--configfile", str(TINY), "--", target)
    assert second.returncode == 2
    said = [line for line in second.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == 1 and f"already works in {work} (process {process.pid} on" in said[0]
    assert " on resources/embedded/plan/00000.json and " in said[0]
    assert "Traceback" not in second.stderr


def in_namespace(script: str, project, work, *arguments) -> subprocess.CompletedProcess:
    """Snakemake after mounts that only it sees. Skips where mounting is not allowed, as without root."""
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", work], capture_output=True).returncode:
        pytest.skip("mounting in a namespace of its own is not allowed here")
    command = [sys.executable, "-m", "snakemake", "--snakefile", project / "Snakefile", "--directory", work, *arguments]
    return subprocess.run(
        ["unshare", "-m", "bash", "-e", "-c", script, "bash", *command],
        cwd="/",
        text=True,
        capture_output=True,
        timeout=300,
    )


def test_data_that_cannot_be_written_are_read(project, clips, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    before = sorted((path.name, path.stat().st_mtime_ns) for path in clips.iterdir())
    script = f"mount --bind '{clips}' '{clips}'; mount -o remount,ro,bind '{clips}'; ! touch '{clips}/x' 2> /dev/null; \"$@\""
    target = (*FOLDER, f"clips={clips}", "--", "resources/folder/crop/00000.json")
    done = in_namespace(script, project, work, *target)
    if "No rule" in done.stderr or "MissingInput" in done.stderr:
        pytest.fail(done.stderr)
    assert done.returncode == 0, done.stderr
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in clips.iterdir())


def test_a_disk_that_is_too_small_is_refused_before_the_first_job(project, tmp_path):
    done = in_namespace(
        f"mount -t tmpfs -o size=2m none '{tmp_path}'; \"$@\"", project, tmp_path, "--cores", "1", "--configfile", TINY, "--",
        "resources/embedded/index.json",
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "make room, or work on a larger disk with --directory." in done.stderr
    assert "Traceback" not in done.stderr and "synthesise_clips" not in done.stderr


def test_a_disk_that_fills_up_stops_with_a_sentence_and_the_same_command_continues(project, clips, tmp_path):
    # Sizes of a folder's clips are not known before, so nothing is refused; the disk is full after the planning.
    target = (*FOLDER, f"clips={clips}", "--", "resources/folder/track/00000.json")
    script = (
        f"mount -t tmpfs -o size=1000k none '{tmp_path}'; head -c 930k /dev/zero > '{tmp_path}/filler'; "
        f'"$@" || echo "ended with $?"; rm \'{tmp_path}/filler\'; mount -o remount,size=50m \'{tmp_path}\'; echo ROOM; "$@"; '
        f"test -f '{tmp_path}/resources/folder/track/00000.json'"
    )
    done = in_namespace(script, project, tmp_path, *target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended with" in done.stdout.split("ROOM")[0]
    # A job says so, or Snakemake itself where its own records cannot be written; no traceback of either.
    assert "disk is full" in done.stderr or "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
