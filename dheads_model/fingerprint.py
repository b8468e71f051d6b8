"""Digest of what decides the results of a stage: the project code, its data files and the packages it can reach.

Snakemake sees neither edits to imported modules nor the content of scripts. Each rule therefore passes
`digest("workflow_scripts.<rule>")` as a parameter, which covers of all project modules that the script imports, directly
or through others (imports inside functions count):

- the syntax trees, without docstrings, comments, layout and words for people: what errors, log and progress say;
- the modules of folders that a registry finds, where the module calls them (metrics, samplers);
- files of package data that they name, such as `assets/person.png`;
- the versions that requirements.lock pins for the packages that they import.

What ClipFiltered, ClipFailed and Refused say counts, since manifests quote it. Modules named only in strings are not seen.
"""

import ast
import functools
import hashlib
import importlib.metadata
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from dheads_model.canonical_code import write_code

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("dheads_model", "workflow_scripts")
# How a command is called, logged and ended, and the digest itself: they decide when a stage runs, not what it makes.
WITHOUT_RESULTS = (
    "workflow_scripts.command",
    "dheads_model.fingerprint",
    "dheads_model.canonical_code",
    "dheads_model.recipe",
)
# What planning finds reaches a job as parameters, which are tracked by value, so its code need not be.
_BY_VALUE = ("workflow_scripts.planning.shards",)
# Modules that call what lies in a folder, whatever it is called. Settings that only look samplers up by name call none.
_DISCOVERING = {
    "dheads_model.metrics.registry": "dheads_model/metrics/per_clip",
    "dheads_model.metrics.distance_registry": "dheads_model/metrics/distances",
    "dheads_model.diffusion.sampling": "dheads_model/diffusion/solvers",
}
# Import names of packages that show progress, fetch files or check the config; versions of them change no result.
_NOT_COMPUTING = ("tqdm", "requests", "yaml", "pydantic", "pydantic_core", "snakemake", "filelock")
# Packages that are imported by another name than they are installed by.
_DISTRIBUTIONS = {"cv2": "opencv-python-headless", "PIL": "pillow", "skimage": "scikit-image"}
# Files that count as edited though they are not, to ask what an edit would rerun.
_AS_IF_EDITED: set[Path] = set()


def suppose_edited(files: Iterable[Path | str]) -> None:
    """Let every later digest of this process be as after an edit of these modules or data files."""
    _AS_IF_EDITED.update(Path(file).resolve() for file in files)
    digest.cache_clear()
    _read.cache_clear()


def closure(module: str, without: tuple[str, ...] = ()) -> list[str]:
    """Project modules reachable from `module` by imports, itself and parent packages included, sorted by name.

    without: modules that are neither listed nor followed.
    """
    if _file(module) is None:
        raise ValueError(f"no module {module} under {ROOT}")
    seen: set[str] = set()
    todo = [module]
    left_out = {*without, *_BY_VALUE} - {module}
    while todo:
        name = todo.pop()
        if name not in seen and name not in left_out:
            seen.add(name)
            todo += _read(name)[1]
            todo += _discovered(name)
            parent = name.rpartition(".")[0]
            if parent:
                todo.append(parent)
    return sorted(seen)


@functools.cache
def digest(module: str, without: tuple[str, ...] = ()) -> str:
    """12 hex digits that change exactly when something reachable from `module` changes that can change its results.

    without: modules that are left out, with what only they reach.
    """
    total = hashlib.sha256()
    for name in closure(module, without):
        if name not in WITHOUT_RESULTS:
            total.update(f"{name}={_read(name).digest};".encode())
    locked = _locked_versions()
    for package in packages(module, without):
        # What is optional and not pinned counts as it is installed.
        total.update(f"{package}=={locked.get(package) or _installed_version(package)};".encode())
    return total.hexdigest()[:12]


def packages(module: str, without: tuple[str, ...] = ()) -> list[str]:
    """Names, as in requirements.lock, of the packages that compute and that `module` reaches by imports, sorted."""
    found = {package for name in closure(module, without) for package in _read(name).packages}
    return sorted(_DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in found)


def package_versions(module: str) -> dict[str, str]:
    """{package: installed version} of what `packages` lists; a package that is optional and not here is left out."""
    return {name: version for name in packages(module) if (version := _installed_version(name)) is not None}


@functools.cache
def _installed_version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def _locked_versions() -> dict[str, str]:
    """{package: version} of requirements.lock; empty where only the library is installed."""
    lock = ROOT / "requirements.lock"
    lines = lock.read_text(encoding="utf-8").split() if lock.is_file() else []
    return dict(line.split("==", 1) for line in lines if "==" in line)


@functools.cache
def _discovered(module: str) -> list[str]:
    """Modules that a module calls because they lie in a certain folder."""
    folder = _DISCOVERING.get(module)
    if folder is None:
        return []
    return [f"{folder.replace('/', '.')}.{path.stem}" for path in sorted(ROOT.glob(f"{folder}/[!_]*.py"))]


@functools.cache
def _data_files() -> dict[str, list[Path]]:
    """Files of package data, by name."""
    found: dict[str, list[Path]] = {}
    for package in PACKAGES:
        for path in sorted(ROOT.joinpath(package).rglob("*.*")):
            if path.suffix not in (".py", ".pyi", ".pyc") and path.is_file():
                found.setdefault(path.name, []).append(path)
    return found


def _file(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


class _Module(NamedTuple):
    """What is kept of a module; the tree itself is not, all of them are as large as a small plan."""

    digest: str
    imports: tuple[str, ...]
    packages: frozenset[str]


@functools.cache
def _read(module: str) -> _Module:
    """The digest of a module and of the data files that it names, and the project modules and packages that it imports."""
    path = _file(module)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    canonical: list[str] = []
    texts: list[str] = []
    write_code(tree.body, canonical.append, texts.append)
    total = hashlib.sha256("".join(canonical).encode())
    for name in sorted(set(texts) & _data_files().keys()):
        for file in _data_files()[name]:
            if file.is_relative_to(path.parent):
                total.update(f"{name}={hashlib.sha256(file.read_bytes()).hexdigest()};".encode())
                total.update(b"edited" * (file in _AS_IF_EDITED))
    total.update(b"edited" * (path in _AS_IF_EDITED))
    project, packages = [], set()
    for name in _imports(module, tree):
        top = name.split(".")[0]
        if top not in PACKAGES:
            packages.add(top)
        elif _file(name) is not None:
            project.append(name)
    computing = packages - sys.stdlib_module_names - set(_NOT_COMPUTING)
    return _Module(total.hexdigest(), tuple(dict.fromkeys(project)), frozenset(computing))


def _imports(module: str, tree: ast.Module) -> Iterator[str]:
    """Names of everything that a module imports; of `from a import b` both a and a.b."""
    package = module if _file(module).name == "__init__.py" else module.rpartition(".")[0]
    for node in _statements(tree.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements at any depth: an import is nothing else, and a walk through expressions too takes several times as long."""
    for node in body:
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(node, name, []))
