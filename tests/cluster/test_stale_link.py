"""The link that a killed test with a real Slurm leaves is removed; that of another Slurm is not."""

import pytest

from tests.cluster import two_nodes
from tests.cluster.two_nodes import remove_stale


@pytest.fixture
def link(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "etc").mkdir()
    link = tmp_path / "run/conf"
    link.symlink_to(tmp_path / "etc")
    return link


@pytest.mark.parametrize(
    ("name", "running", "kept"),
    [("dheads-tests", "", False), ("dheads-tests", "slurmctld", True), ("site", "", True), (None, "", False)],
    ids=["of a killed test", "of a running test", "of another Slurm", "to nothing"],
)
def test_only_a_stale_link_is_removed(link, monkeypatch, name, running, kept):
    monkeypatch.setattr(two_nodes, "_runs", lambda daemon: daemon == running)
    if name:
        (link / "slurm.conf").write_text(f"\nClusterName={name}\n")
    remove_stale(link)
    assert (link.is_symlink(), link.parent.is_dir()) == (kept, kept)
