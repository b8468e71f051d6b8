"""Values given by `--config`, read as what the schema wants: Snakemake hands over what is nested as text, 12 as a number."""

import re

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS = {
    "true": (True, "boolean"),
    "false": (False, "boolean"),
    "null": (None, "null"),
    "~": (None, "null"),
    "": (None, "null"),
}


def read_texts(value, schema: dict):
    """The value with texts as the numbers, true, false and null that its schema asks for, and the reverse.

    Dictionaries and lists are changed in place. What does not fit stays, for the schema's check to refuse.
    """
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, inner in value.items():
            about = known.get(key, others)
            if isinstance(about, dict):
                value[key] = read_texts(inner, about)
        return value
    if isinstance(value, list):
        value[:] = [read_texts(inner, schema.get("items", {})) for inner in value]
        return value
    types = schema.get("type", [])
    types = types if isinstance(types, list) else [types]
    if isinstance(value, str):
        return _from_text(value, types)
    if "string" in types and isinstance(value, int | float) and not {"integer", "number", "boolean"} & {*types}:
        return str(value)
    return value


def _from_text(text: str, types: list[str]):
    word, kind = _WORDS.get(text.strip().lower(), (None, ""))
    if kind in types:
        return word
    if {"integer", "number"} & {*types} and _NUMBER.fullmatch(text.strip()):
        number = float(text)
        whole = number.is_integer() and re.fullmatch(r"[+-]?\d+", text.strip())
        return int(text) if whole else number
    return text
