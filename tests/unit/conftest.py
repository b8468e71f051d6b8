"""Fixtures of the unit tests."""

import pytest

from tests.factories.corpora import adopt
from tests.factories.training import noise_clips


@pytest.fixture(scope="module")
def clips():
    """Three short clips of random frames, features and landmarks."""
    return noise_clips()


@pytest.fixture
def adopted(tmp_path):
    """Function that adopts the clips planned in tmp_path/clips, after it called its argument on that folder."""
    (tmp_path / "clips").mkdir()
    return lambda between=lambda clips: None: adopt(tmp_path, between)
