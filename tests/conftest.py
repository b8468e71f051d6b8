"""Fixtures: reference numbers, real clips beside a checkout, and one finished tiny run that many tests look at."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

import dheads_model  # noqa: F401  # before any test imports NumPy or PyTorch: it pins what they calculate with
from tests.workflow import ROOT, copy_project, snakemake

# Before PyTorch is imported, here and in the commands that tests start: the threads of two workers wait for each other on two
# cores. Tests of several threads set their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")
BESIDE = ROOT.parent / "shared"
TINY = ROOT / "tests" / "tiny.yaml"


@dataclass(frozen=True)
class FinishedRun:
    """A copy of the project and the folder in which it ran to the end with tests/tiny.yaml."""

    project: Path
    work: Path

    def copied(self, folder: Path) -> "FinishedRun":
        """A copy of both in a folder, times kept, whose code and results may be edited."""
        shutil.copytree(self.work, folder / "work")
        shutil.copytree(self.project, folder / "project")
        return FinishedRun(folder / "project", folder / "work")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: workers share files in this order, and none is left with a long one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder with numbers computed by the published code."""
    return ROOT / "tests/golden/data"


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder with real clips, stills and sounds."""
    return _beside("samples", "real sample clips")


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> FinishedRun:
    """The whole workflow, run once from nothing; tests may copy it, not change it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # one run for all processes of the tests, whose folders lie in one
        folder = folder.parent
    run = FinishedRun(folder / "finished" / "project", folder / "finished" / "work")
    with FileLock(folder / "finished.lock"):
        if not (folder / "finished.ok").exists():
            shutil.rmtree(folder / "finished", ignore_errors=True)
            copy_project(run.project)
            run.work.mkdir()
            done = snakemake(run.project, run.work, "--cores", "2", "--configfile", str(TINY), timeout=3600)
            assert done.returncode == 0, done.stdout + done.stderr
            (folder / "finished.ok").touch()
    return run


def _beside(name: str, what: str) -> Path:
    folder = BESIDE / name
    if not folder.is_dir():
        pytest.skip(f"{what} are not at {folder}")
    return folder
