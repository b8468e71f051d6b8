"""The digest of reachable code, and strict config."""

from dataclasses import dataclass

import pytest

from dheads_model import fingerprint
from dheads_model.config import build
from dheads_model.errors import UserError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project: script -> a -> b, and c, which the script does not reach."""
    files = {
        "workflow_scripts/__init__.py": "",
        "workflow_scripts/script.py": "from dheads_model import a\n",
        "dheads_model/__init__.py": "",
        "dheads_model/a.py": "def f():\n    from . import b\n    return b.x\n",
        "dheads_model/b.py": "x = 1\n",
        "dheads_model/c.py": "y = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    return tmp_path


def digest():
    for cached in (fingerprint._read, fingerprint.digest):
        cached.cache_clear()
    return fingerprint.digest("workflow_scripts.script")


def test_closure_follows_relative_imports_inside_functions(project):
    digest()
    assert fingerprint.closure("workflow_scripts.script") == [
        "dheads_model", "dheads_model.a", "dheads_model.b", "workflow_scripts", "workflow_scripts.script",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("b.py", "x = 2\n", True),
        ("b.py", '"""What it is."""\n\n# a comment\nx   =   1\n', False),
        ("c.py", "y = 2\n", False),
        ("a.py", 'def f():\n    """New words."""\n    from . import b\n    return b.x\n', False),
        ("a.py", "def f():\n    from . import b\n    return -b.x\n", True),
        ("__init__.py", "z = 1\n", True),
    ],
)
def test_only_reachable_behaviour_changes_the_digest(project, file, text, changes):
    before = digest()
    (project / "dheads_model" / file).write_text(text)
    assert (digest() != before) == changes


def test_training_does_not_reach_metrics_or_plots():
    fingerprint._read.cache_clear()
    reached = fingerprint.closure("workflow_scripts.train_model")
    assert not [name for name in reached if name.startswith(("dheads_model.metrics", "dheads_model.tables"))]


@pytest.mark.parametrize(
    "script", ["track_faces", "align_faces", "crop_faces", "extract_audio", "pack_shards", "adopt_clips"]
)
def test_data_jobs_do_not_reach_torch(script):
    fingerprint._read.cache_clear()
    for name in fingerprint.closure(f"workflow_scripts.{script}"):
        assert not name.startswith(("dheads_model.network", "dheads_model.diffusion", "dheads_model.training")), name


@dataclass(frozen=True)
class Inner:
    size: int
    pair: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Outer:
    inner: Inner
    name: str | None
    sizes: tuple[int, ...] = ()


def test_nested_values_become_frozen_dataclasses():
    made = build(Outer, {"inner": {"size": 3, "pair": [1, 2]}, "name": None, "sizes": [1, 2]}, "outer")
    assert made == Outer(Inner(3, (1.0, 2.0)), None, (1, 2))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"inner": {"sise": 3}, "name": "x"}, r"outer\.inner\.sise does not exist; did you mean size"),
        ({"inner": {}, "name": "x"}, r"outer\.inner\.size is missing"),
        ({"inner": {"size": "3"}, "name": "x"}, r"outer\.inner\.size must be int, not '3'"),
        ({"inner": {"size": True}, "name": "x"}, r"outer\.inner\.size must be int, not True"),
        ({"inner": {"size": 1, "pair": [1]}, "name": "x"}, r"outer\.inner\.pair needs 2 values, not 1"),
        ({"inner": {"size": 1}, "name": 5}, r"outer\.name must be str, not 5"),
    ],
)
def test_what_does_not_fit_is_named(values, sentence):
    with pytest.raises(UserError, match=sentence):
        build(Outer, values, "outer")
