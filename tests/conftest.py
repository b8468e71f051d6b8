"""Paths to reference numbers and real clips that live beside a checkout; tests that need them skip without them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder with numbers computed by the published code."""
    return _beside("golden", "reference numbers of the published code")


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder with real clips, stills and sounds."""
    return _beside("samples", "real sample clips")


def _beside(name: str, what: str) -> Path:
    folder = BESIDE / name
    if not folder.is_dir():
        pytest.skip(f"{what} are not at {folder}")
    return folder
