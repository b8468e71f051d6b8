"""A syntax tree as text that changes with behaviour only: no positions, docstrings, empty fields or words for people."""

import ast
from collections.abc import Callable

# What pydantic's Field says of a value besides its default: it describes or refuses values and changes none.
_ONLY_CHECKS = (
    "description", "ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern", "json_schema_extra",
)  # fmt: skip
_LOG_METHODS = ("debug", "info", "warning", "error", "exception", "critical", "set_postfix", "set_description")


def write_code(node, add: Callable[[str], None], text: Callable[[str], None], words: bool = True) -> None:
    """Write a tree or a list of statements piece by piece, equal across Python versions.

    add: takes the pieces; text: takes every string that counts. words: whether strings count, which they do not inside a
    call that logs. What is passed to a class named ...Error is left out whole: it makes the sentence and nothing else. Bounds
    and descriptions of a settings field are left out too.
    Every start of Snakemake and every job does this for all modules it reaches, hence no tree in between.
    """
    if isinstance(node, list):
        add("[")
        for item in node:
            if not _is_text(item):
                write_code(item, add, text, words)
        add("]")
    elif isinstance(node, ast.AST):
        kind = type(node)
        fields = node._fields
        if kind is ast.Constant and type(node.value) is str:
            if not words:
                return
            text(node.value)
        elif kind is ast.Call:
            called = _called(node.func)
            if called.endswith("Error"):
                fields = ("func",)
            elif called == "Field":
                node = ast.Call(node.func, node.args, [k for k in node.keywords if k.arg not in _ONLY_CHECKS])
            elif _is_told(node.func, called):
                words = False
        elif kind is ast.keyword and node.arg == "help":
            return
        add(f"{kind.__name__}(")
        for name in fields:
            value = getattr(node, name, None)
            if value is not None and value != []:
                add(f"{name}=")
                write_code(value, add, text, words)
        add(")")
    else:
        add(f"{node!r},")


def _called(function: ast.expr) -> str:
    """Last part of the name that is called, empty for other expressions."""
    return getattr(function, "id", None) or getattr(function, "attr", "")


def _is_told(function: ast.expr, called: str) -> bool:
    """Whether a call only tells people something: a log, a print, a progress bar."""
    if isinstance(function, ast.Name):
        return called in ("print", "tqdm")
    return called in _LOG_METHODS and isinstance(getattr(function, "value", None), ast.Name)


def _is_text(node) -> bool:
    """A string that stands alone as a statement: a docstring, or a comment written as one."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
