"""From a checked dictionary to a frozen dataclass, refusing what does not fit."""

import dataclasses
import difflib
import hashlib
import json
import re
import types
import typing
from collections.abc import Mapping

from dheads_model.errors import UserError

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def build(cls, values: Mapping, where: str):
    """Frozen dataclass `cls` from `values`, nested dataclasses included.

    `where` is the dotted config path used in messages. Lists become tuples where the field is a tuple.
    Raises UserError for an unknown key (naming the nearest), a missing key or a value of the wrong type.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"config key {where} is {values!r}; it must be a block of keys.")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in values:
        if key not in fields:
            raise UserError(unknown_key(f"{where}.{key}", key, fields))
    hints = typing.get_type_hints(cls)
    given = {}
    for name, field in fields.items():
        if name in values:
            given[name] = _fit(hints[name], values[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UserError(f"config key {where}.{name} is missing.")
    return cls(**given)


def unknown_key(path: str, key: str, known) -> str:
    """The sentence for a key that does not exist, with the nearest one that does."""
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}."
    return f"config key {path} does not exist; {hint}"


def _fit(expected, value, where: str):
    if isinstance(expected, types.UnionType) or typing.get_origin(expected) is typing.Union:
        options = typing.get_args(expected)
        if value is None and type(None) in options:
            return None
        expected = next(option for option in options if option is not type(None))
    if dataclasses.is_dataclass(expected) and isinstance(value, Mapping):
        return build(expected, value, where)
    origin = typing.get_origin(expected)
    if origin is tuple and isinstance(value, (list, tuple)):
        inner = typing.get_args(expected)
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
        if len(kinds) != len(value):
            raise UserError(f"config key {where} needs {len(kinds)} values, not {len(value)}.")
        return tuple(_fit(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True)))
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    plain = origin or expected
    if isinstance(plain, type) and (not isinstance(value, plain) or (isinstance(value, bool) and plain is not bool)):
        raise UserError(f"config key {where} must be {plain.__name__}, not {value!r}.")
    return value


def as_json(block) -> str:
    """A config block as one JSON string: Snakemake then tracks its names as well as its values.

    Braces inside texts, as a folder's name may have them, are escaped, or Snakemake would take {x} for a wildcard.
    """
    return _TEXT.sub(_without_braces, json.dumps(block, sort_keys=True))


def _without_braces(text: re.Match) -> str:
    return text[0].replace("{", r"\u007b").replace("}", r"\u007d")


def short_hash(block) -> str:
    """12 hex digits of a config block."""
    return hashlib.sha256(as_json(block).encode()).hexdigest()[:12]
