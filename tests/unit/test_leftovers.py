"""Clean-up: sizes before anything is removed; trainings and downloads stay unless they are asked for."""

import subprocess
import sys

import pytest

from tests.workflow import ROOT
from workflow_scripts.clean_up import main

FILES = {
    "resources/crema_d/corpus/a.flv": 5000,
    "resources/crema_d/track/00000.json": 3000,
    "resources/embedded/corpus/b.flv": 2000,
    "resources/weights/w.pth": 7000,
    "results/table1.csv": 1000,
    "state/ours/x/state-1.pt": 9000,
    "logs/a.log": 10,
    "mine/notes.txt": 10,
    "config.yaml": 10,
}


@pytest.fixture
def work(tmp_path):
    for name, size in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    return tmp_path


def left(work):
    return {
        str(path.relative_to(work)) for path in work.rglob("*") if path.is_file() and ".snakemake" not in path.parts
    }


def test_without_remove_it_says_what_would_be_freed_and_nothing_goes(work, capsys):
    assert main(["--directory", str(work)]) == 0
    said = capsys.readouterr().out
    assert [line.split() for line in said.splitlines()] == [
        ["5.00", "kB", "resources", "remove"],
        ["1.00", "kB", "results", "remove"],
        ["10", "bytes", "logs", "remove"],
        ["9.00", "kB", "state", "(trainings)", "keep"],
        ["12.0", "kB", "downloads", "(fetched", "corpora", "and", "weights)", "keep"],
        ["nothing", "was", "removed;", "this", "would", "free", "6.01", "kB"],
    ]
    assert left(work) == set(FILES)


def test_trainings_and_downloads_stay(work):
    assert main(["--directory", str(work), "--remove"]) == 0
    assert left(work) == {
        "resources/crema_d/corpus/a.flv", "resources/weights/w.pth", "state/ours/x/state-1.pt", "mine/notes.txt",
        "config.yaml",
    }  # fmt: skip


def test_all_leaves_only_what_the_user_wrote(work, capsys):
    assert main(["--directory", str(work), "--all", "--remove"]) == 0
    assert left(work) == {"mine/notes.txt", "config.yaml"}
    assert not (work / "resources").exists()
    assert "27.0 kB freed" in capsys.readouterr().out


def test_links_are_not_followed(work, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept.txt").touch()
    (work / "results/link").symlink_to(elsewhere)
    (work / "benchmarks").symlink_to(elsewhere)
    assert main(["--directory", str(work), "--all", "--remove"]) == 0
    assert (elsewhere / "kept.txt").exists()
    assert not (work / "results").exists()


def test_nothing_goes_while_a_run_works(work):
    program = (
        "import sys, time; from workflow_scripts.planning.folder_lock import hold_folder; "
        "hold_folder(sys.argv[1], ['a'], []); print(1, flush=True); time.sleep(60)"
    )
    held = subprocess.Popen([sys.executable, "-c", program, work], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert held.stdout.readline() == "1\n"
        assert main(["--directory", str(work), "--all", "--remove"]) == 2
        assert left(work) == set(FILES)
    finally:
        held.kill()
        held.wait()


@pytest.mark.parametrize(
    ("arguments", "removes"), [(["clean"], True), (["clean-all"], False), (["clean-all", "CONFIRM=yes"], True)]
)
def test_make_asks_before_it_removes_trainings(arguments, removes):
    done = subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True)
    [command] = [line for line in done.stdout.splitlines() if "workflow_scripts.clean_up" in line]
    assert ("--remove" in command) == removes
    assert ("--all" in command) == ("clean-all" in arguments)
