"""Values from `--config`, converted to the types of the models: Snakemake passes nested values as text, 12 as a number."""

import dataclasses
import re
import typing
from collections.abc import Mapping

from dheads_model.config import field_types, plain_type
from dheads_model.yaml_file import overlaid

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def spread_dots(config: dict, given: Mapping) -> None:
    """Move what `--config` gave under a dotted name, as in `runs={ours.training.images: 1000}`, to its place in `config`.

    given: what `--config` gave, laid over `config` already. Snakemake allows no dots before the "=".
    """
    for key, value in given.items():
        if not isinstance(value, Mapping) or not isinstance(config.get(key), dict):
            continue
        spread_dots(config[key], value)
        for name in [name for name in value if "." in str(name) and name in config[key]]:
            *path, last = name.split(".")
            found = config[key].pop(name)
            for part in reversed([*path, last]):
                found = {part: found}
            config[key] = overlaid(config[key], found)


def read_texts(value, hint):
    """The value with texts as the numbers, true, false and null that its type asks for, and the reverse.

    hint: a settings class or the type of one of its fields. Dictionaries and lists are changed in place. What does not
    fit stays, for the check of the config to refuse.
    """
    kind, nullable = plain_type(hint)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(value, dict):
        fields = field_types(kind, config_only=True) if dataclasses.is_dataclass(kind) else {}
        for key, item in value.items():
            about = inner[1] if origin is dict else fields.get(key)
            if about is not None:
                value[key] = read_texts(item, about)
        return value
    if isinstance(value, list) and origin is tuple:
        value[:] = [read_texts(item, inner[0]) for item in value]
        return value
    kinds = {type(choice) for choice in inner} if origin is typing.Literal else {kind}
    if isinstance(value, str):
        return _from_text(value, kinds | ({type(None)} if nullable else set()))
    if kinds == {str} and isinstance(value, int | float):
        return str(value)
    return value


def _from_text(text: str, kinds: set[type]):
    if text.strip().lower() in _WORDS:
        word = _WORDS[text.strip().lower()]
        return word if type(word) in kinds else text
    if {int, float} & kinds and _NUMBER.fullmatch(text.strip()):
        return int(text) if re.fullmatch(r"[+-]?\d+", text.strip()) else float(text)
    return text
