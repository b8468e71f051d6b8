"""Settings as typed models: each states types, bounds and defaults once, and `build` makes one from a dictionary.

A model is a frozen pydantic dataclass made by `settings`; the text below a field describes it. The config's schema and its
reference page are made from the models (`dheads_model/configuration.py`). No value is converted but lists, which become
tuples, and integers where a number is asked for.
"""

import dataclasses
import difflib
import functools
import hashlib
import json
import re
import reprlib
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.dataclasses import is_pydantic_dataclass
from pydantic_core import ArgsKwargs

from dheads_model.errors import UserError

__all__ = (
    "INTERNAL", "OPTIONAL", "Count", "CountOrZero", "NonNegativeFloat", "PositiveFloat", "Share", "as_json", "build",
    "field_types", "plain_type", "settings", "short_hash", "unknown_key",
)  # fmt: skip

Count = Annotated[int, Field(ge=1)]
CountOrZero = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
# Beside a field's type: the field is set by the program and is no key of a config.
INTERNAL = "internal"
# Beside a field's type: a config may leave the key out.
OPTIONAL = "optional"

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_BOUNDS = {
    "greater_than_equal": ("ge", "the smallest allowed is {}"),
    "greater_than": ("gt", "it must be more than {}"),
    "less_than_equal": ("le", "the largest allowed is {}"),
    "less_than": ("lt", "it must be less than {}"),
    "multiple_of": ("multiple_of", "it must be a multiple of {}"),
}
_TYPES = {
    "int_type": "integer",
    "float_type": "number",
    "bool_type": "boolean",
    "string_type": "string",
    "tuple_type": "array",
}
_WRITTEN = reprlib.Repr()
_WRITTEN.maxstring = _WRITTEN.maxlong = _WRITTEN.maxother = 100


@typing.dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def settings(block: str):
    """Class decorator: a frozen dataclass whose values are checked whenever one is made, by `dataclasses.replace` too.

    block: the config block, for messages. Values of another type or out of bounds raise UserError; `__post_init__` may
    raise it for values that do not fit together.
    """

    def decorate(cls):
        made = pydantic_dataclass(cls, frozen=True, config=_STRICT)
        validated = made.__init__

        @functools.wraps(validated)
        def checked(self, *arguments, **values):
            try:
                validated(self, *arguments, **values)
            except ValidationError as problem:
                raise UserError(_sentence(problem, block)) from None

        made.__init__ = checked
        return made

    return decorate


def build(cls, values: Mapping, where: str, every_key: bool = False, internal: bool = True):
    """Frozen dataclass `cls`, of `settings` or a plain one, from `values`, nested dataclasses included.

    where: the dotted config path used in messages, "" for the whole config. every_key: every key has to be there that is
    neither OPTIONAL nor INTERNAL; else what is left out has its default. internal: whether INTERNAL keys may be there.
    Raises UserError for an unknown key (naming the nearest), a missing one and a value of the wrong type or out of bounds.
    """
    if not isinstance(values, Mapping):
        raise UserError(f"config key {where} is {_WRITTEN.repr(values)}; it must be a block of keys.")
    fields = field_types(cls, config_only=not internal)
    for key in values:
        if key not in fields:
            raise UserError(unknown_key(_below(where, key), key, fields))
    needed = [name for name in fields if name not in values and (every_key or _has_no_default(cls, name))]
    for name in needed:
        if not {OPTIONAL, INTERNAL} & {*_marks(fields[name])}:
            raise UserError(f"config key {_below(where, name)} is missing.")
    given = {
        name: _fit(fields[name], value, _below(where, name), every_key, internal) for name, value in values.items()
    }
    try:
        return _made(cls, given)
    except ValidationError as problem:
        raise UserError(_sentence(problem, where)) from None
    except UserError as problem:
        raise UserError(_placed(str(problem), where)) from problem


@functools.cache
def field_types(cls, config_only: bool = False) -> dict[str, object]:
    """{name: type with its bounds} of the fields of a settings class; config_only: without those that are INTERNAL."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
    return {name: hint for name, hint in found.items() if not (config_only and INTERNAL in _marks(hint))}


def _marks(hint) -> tuple:
    """What stands beside a field's type: OPTIONAL, INTERNAL, bounds. Bounds are no strings and cannot be hashed."""
    return tuple(mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, str))


def plain_type(hint) -> tuple[object, bool]:
    """(type without bounds and None, whether None is allowed)."""
    nullable = False
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            hint = typing.get_args(hint)[0]
        elif origin in (types.UnionType, typing.Union):
            options = typing.get_args(hint)
            nullable = nullable or type(None) in options
            hint = next(option for option in options if option is not type(None))
        else:
            return hint, nullable


def unknown_key(path: str, key: str, known) -> str:
    """The sentence for a key that does not exist, with the nearest one that does."""
    if "." in str(key):
        nested = " ".join(f"{part}: {{" for part in key.split(".")[:-1])
        return (
            f"config key {path} does not exist; write nested blocks, {nested}{key.rpartition('.')[2]}: VALUE"
            f"{'}' * key.count('.')}."
        )
    near = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}."
    return f"config key {path} does not exist; {hint}"


def _below(where: str, key) -> str:
    return f"{where}.{key}" if where else str(key)


def _has_no_default(cls, name: str) -> bool:
    field = cls.__dataclass_fields__[name]
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _fit(hint, value, where: str, every_key: bool, internal: bool):
    """The value with blocks as the dataclasses and lists as the tuples that a type asks for; else as it is."""
    expected, nullable = plain_type(hint)
    if value is None and nullable:
        return None
    if dataclasses.is_dataclass(expected):
        return value if isinstance(value, expected) else build(expected, value, where, every_key, internal)
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    if origin is tuple and isinstance(value, list | tuple):
        if inner[-1] is not Ellipsis and len(inner) != len(value):
            raise UserError(f"config key {where} needs {len(inner)} values, not {len(value)}.")
        kinds = inner if inner[-1] is not Ellipsis else [inner[0]] * len(value)
        pairs = enumerate(zip(kinds, value, strict=True))
        return tuple(_fit(kind, item, f"{where}[{number}]", every_key, internal) for number, (kind, item) in pairs)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise UserError(f"config key {where} is {_WRITTEN.repr(value)}; it must be a block of keys.")
        return {key: _fit(inner[1], item, _below(where, key), every_key, internal) for key, item in value.items()}
    if origin is Literal and isinstance(value, bool):  # which equals 0 or 1
        choices = ", ".join(map(str, inner))
        raise UserError(f"config key {where} is {value!r}; it must be one of {choices}.")
    return value


def _made(cls, given: dict):
    if is_pydantic_dataclass(cls):
        made = object.__new__(cls)
        cls.__pydantic_validator__.validate_python(ArgsKwargs((), given), strict=True, self_instance=made)
        return made
    # A plain dataclass is checked by a twin.
    twin = _twin(cls)(**given)
    return cls(**{field.name: getattr(twin, field.name) for field in dataclasses.fields(cls)})


@functools.cache
def _twin(cls):
    return pydantic_dataclass(cls, frozen=True, config=_STRICT)


def _sentence(problem: ValidationError, where: str) -> str:
    """The first thing that a model refuses, in one sentence."""
    found = problem.errors(include_url=False)[0]
    kind, value, bound = found["type"], _WRITTEN.repr(found["input"]), found.get("ctx", {})
    path = where
    for part in found["loc"]:
        path = f"{path}[{part}]" if isinstance(part, int) else _below(path, part)
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"config key {path} is {value}; {words.format(bound[key])}."
    if kind in _TYPES:
        return f"config key {path} is {value}; it must be of type {_TYPES[kind]}."
    if kind == "literal_error":
        choices = bound["expected"].replace(" or ", ", ").replace("'", "")
        return f"config key {path} is {value}; it must be one of {choices}."
    if kind == "finite_number":
        return f"config key {path} is {value}; it must be a finite number."
    if kind == "missing":
        return f"config key {path} is missing."
    if kind == "too_short":
        return f"config key {path} has {bound['actual_length']} values; it needs at least {bound['min_length']}."
    if kind == "string_pattern_mismatch":
        return f"config key {path} is {value}; it must match {bound['pattern']}."
    return f"config key {path} is {value}: {found['msg']}."


def _placed(sentence: str, where: str) -> str:
    """A sentence of a block about itself, with the place of the block in the config.

    The block names itself by the last part of its place, or writes NAME for the name that its kind gives it.
    """
    kind, _, rest = where.partition(".")
    if f"{kind}.NAME" in sentence:
        return sentence.replace(f"{kind}.NAME", f"{kind}.{rest.partition('.')[0]}")
    above, _, last = where.rpartition(".")
    if sentence.startswith((last, "config key", "in ")):
        return f"in {above}: {sentence}" if above and sentence.startswith(last) else sentence
    return f"in {where}: {sentence}"


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
