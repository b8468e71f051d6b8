"""What several test files share lies in tests/factories or a fixture: none imports another."""

import ast

from tests.workflow import ROOT


def imported(path) -> set[str]:
    """Full names of the modules that a file imports, and of what it takes from them."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_no_test_file_is_imported():
    paths = sorted((ROOT / "tests").rglob("*.py"))
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in sorted(imported(path))
        if any(part.startswith("test_") for part in name.split(".")[:-1])
    ]
    assert len(paths) > 50
    assert found == []
