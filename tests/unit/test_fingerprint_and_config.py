"""The digest of reachable code, and strict config."""

from dataclasses import dataclass

import pytest

from dheads_model import fingerprint
from dheads_model.config import build
from dheads_model.errors import FAIL_REASONS, FILTER_REASONS, UserError
from dheads_model.reasons import MEANINGS


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
    yield tmp_path
    forget()


def forget():
    for cached in (fingerprint._read, fingerprint.digest, fingerprint._locked_versions, fingerprint._data_files):
        cached.cache_clear()


def digest():
    forget()
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


WORDS = (
    "from dheads_model.errors import ClipFailed, UserError\n"
    "def f(x, log):\n"
    "    log.info('from %d images', x)\n"
    "    if x < 0:\n"
    "        raise UserError(f'{x} is too small; write more.')\n"
    "    if x > 9:\n"
    "        raise ClipFailed('damaged', 'too large')\n"
    "    print(f'seen {x:.2f}')\n"
    "    return 'result'\n"
)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("'from %d images'", "'%d images were there'", False),
        ("log.info", "log.warning", True),
        ("f'{x} is too small; write more.'", "f'write more than {x + 1} for {x}.'", False),
        ("f'seen {x:.2f}'", "f'{x:.3f} was seen'", False),
        ("UserError(f", "ValueError(f", True),
        ("x < 0", "x < 1", True),
        ("'damaged', 'too large'", "'damaged', 'above nine'", True),
        ("'result'", "'another'", True),
    ],
)
def test_words_for_people_do_not_count_but_what_manifests_quote_does(project, old, new, changes):
    (project / "dheads_model" / "b.py").write_text(WORDS)
    before = digest()
    assert WORDS.count(old) == 1
    (project / "dheads_model" / "b.py").write_text(WORDS.replace(old, new))
    assert (digest() != before) == changes


SETTINGS = (
    "from dheads_model.config import settings\n"
    "@settings('block')\n"
    "class Settings:\n"
    "    count: Annotated[int, Field(ge=1, le=9, description='How many.')] = 3\n"
    "    'What they are for.'\n"
    "    share: float = Field(default=0.5, gt=0)\n"
)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("How many.", "How many there are.", False),
        ("What they are for.", "Their use.", False),
        ("ge=1, le=9", "ge=0", False),
        (", gt=0", "", False),
        ("= 3", "= 4", True),
        ("default=0.5", "default=0.6", True),
        ("int,", "float,", True),
    ],
)
def test_descriptions_and_bounds_of_settings_do_not_count_but_defaults_do(project, old, new, changes):
    (project / "dheads_model" / "b.py").write_text(SETTINGS)
    before = digest()
    assert SETTINGS.count(old) == 1
    (project / "dheads_model" / "b.py").write_text(SETTINGS.replace(old, new))
    assert (digest() != before) == changes


def test_a_data_file_counts_for_the_module_that_names_it(project):
    (project / "dheads_model" / "assets").mkdir()
    data = project / "dheads_model" / "assets" / "mesh.json"
    data.write_text("[1]")
    before = digest()
    data.write_text("[2]")
    assert digest() == before
    (project / "dheads_model" / "b.py").write_text("x = 'mesh.json'\n")
    before = digest()
    data.write_text("[3]")
    assert digest() != before


def test_every_data_file_of_the_project_counts_for_a_stage(root):
    packages = ("dheads_model", "workflow_scripts")
    reached = " ".join(path.read_text() for package in packages for path in (root / package).rglob("*.py"))
    assert {"person.png", "mesh.json", "gallery.js", "printed_table1.csv"} < set(fingerprint._data_files())
    assert all(f'"{name}"' in reached for name in fingerprint._data_files())


def test_pinned_versions_count_where_their_packages_are_reached(project):
    lock = project / "requirements.lock"
    lock.write_text("opencv-python-headless==4.1\nscipy==1.1\ntqdm==1\n")
    (project / "dheads_model" / "b.py").write_text("import cv2\nfrom tqdm import tqdm\nx = 1\n")
    before = digest()
    assert fingerprint.packages("workflow_scripts.script") == ["opencv-python-headless"]
    lock.write_text("opencv-python-headless==4.1\nscipy==1.2\ntqdm==2\n")
    assert digest() == before
    lock.write_text("opencv-python-headless==4.2\nscipy==1.2\ntqdm==2\n")
    assert digest() != before


def test_versions_that_a_stage_runs_with_are_known():
    import torch

    versions = fingerprint.package_versions("workflow_scripts.train_model")
    assert versions["torch"] == torch.__version__
    assert "mediapipe" not in versions and "tqdm" not in versions


# Not installed by the project: a person brings it, and its version counts as it is.
OPTIONAL = ("dlib",)


def test_every_package_of_a_stage_is_pinned(root):
    for path in (root / "workflow_scripts").glob("*_*.py"):
        for package in fingerprint.packages(f"workflow_scripts.{path.stem}"):
            pinned = package in fingerprint._locked_versions() or package in OPTIONAL
            assert pinned, f"{path.stem}: {package} is not in requirements.lock"


def test_every_reason_has_a_meaning():
    assert set(MEANINGS) == {*FILTER_REASONS, *FAIL_REASONS}


def test_training_does_not_reach_metrics_or_plots():
    reached = fingerprint.closure("workflow_scripts.train_model")
    assert not [name for name in reached if name.startswith(("dheads_model.metrics", "dheads_model.tables"))]


@pytest.mark.parametrize(
    "script", ["track_faces", "align_faces", "crop_faces", "extract_audio", "pack_shards", "adopt_clips"]
)
def test_data_jobs_do_not_reach_torch(script):
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
        ({"inner": {"size": "3"}, "name": "x"}, r"outer\.inner\.size is '3'; it must be of type integer"),
        ({"inner": {"size": True}, "name": "x"}, r"outer\.inner\.size is True; it must be of type integer"),
        ({"inner": {"size": 1, "pair": [1]}, "name": "x"}, r"outer\.inner\.pair needs 2 values, not 1"),
        ({"inner": {"size": 1}, "name": 5}, r"outer\.name is 5; it must be of type string"),
    ],
)
def test_what_does_not_fit_is_named(values, sentence):
    with pytest.raises(UserError, match=sentence):
        build(Outer, values, "outer")


def test_braces_inside_texts_of_a_parameter_are_no_wildcards():
    import json

    from dheads_model.config import as_json

    block = {"clips": ['/data/{a} "{b}" \\{c}\\'], "sharding": {"clips_per_shard": 1}}
    text = as_json(block)
    assert json.loads(text) == block
    assert "{a}" not in text and "{b}" not in text and "{c}" not in text
