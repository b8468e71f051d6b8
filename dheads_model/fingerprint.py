"""Digest of the project code that a stage can reach.

Snakemake sees neither edits to imported modules nor the content of scripts. Each rule therefore passes
`digest("workflow_scripts.<rule>")` as a parameter: the syntax trees, without docstrings, comments and layout, of all
project modules that the script imports, directly or through others. Imports inside functions count. Data files and
modules named only in strings are not seen: a rule must list those as inputs.
"""

import ast
import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("dheads_model", "workflow_scripts")


def closure(module: str) -> list[str]:
    """Project modules reachable from `module` by imports, itself and parent packages included, sorted by name."""
    if _file(module) is None:
        raise ValueError(f"no module {module} under {ROOT}")
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _read(name)[1]
            parent = name.rpartition(".")[0]
            if parent:
                todo.append(parent)
    return sorted(seen)


@functools.cache
def digest(module: str) -> str:
    """12 hex digits that change exactly when behaviour-carrying code reachable from `module` changes."""
    total = hashlib.sha256()
    for name in closure(module):
        total.update(f"{name}={_read(name)[0]};".encode())
    return total.hexdigest()[:12]


def _file(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _read(module: str) -> tuple[str, tuple[str, ...]]:
    """(digest, project modules that it imports); the tree itself is not kept, all of them are as large as a small plan."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    canonical: list[str] = []
    _write(tree.body, canonical.append)
    return hashlib.sha256("".join(canonical).encode()).hexdigest(), tuple(dict.fromkeys(_imports(module, tree)))


def _imports(module: str, tree: ast.Module) -> Iterator[str]:
    package = module if _file(module).name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.split(".")[0] in PACKAGES and _file(name) is not None:
                yield name


def _write(node, add: Callable[[str], None]) -> None:
    """Write a syntax tree without positions, docstrings and empty fields (equal across Python versions).

    Every start of Snakemake and every job does this for all modules it reaches, hence text piece by piece.
    """
    if isinstance(node, list):
        add("[")
        for item in node:
            if not _is_text(item):
                _write(item, add)
        add("]")
    elif isinstance(node, ast.AST):
        add(f"{type(node).__name__}(")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != []:
                add(f"{name}=")
                _write(value, add)
        add(")")
    else:
        add(f"{node!r},")


def _is_text(node) -> bool:
    """A string that stands alone as a statement: a docstring, or a comment written as one."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
