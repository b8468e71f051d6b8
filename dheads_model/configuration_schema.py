"""The JSON schema of the config, made from its models: editors read it, and `docs/configuration.md` is made of it."""

import ast
import dataclasses
import functools
import inspect
import sys

from pydantic import TypeAdapter

from dheads_model.config import OPTIONAL, field_types, plain_type
from dheads_model.configuration import Configuration


def json_schema() -> dict:
    """The JSON schema of a config, without references: editors and `docs/configuration.md` read it."""
    schema = TypeAdapter(Configuration).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_inlined(Configuration, schema, schema["$defs"]),
    }


def _inlined(hint, schema: dict, parts: dict) -> dict:
    """pydantic's schema of a type with references replaced, null as one of several types, and the fields' descriptions."""
    kind, _ = plain_type(hint)
    if "anyOf" in schema:
        (other,) = (option for option in schema["anyOf"] if option.get("type") != "null")
        found = _inlined(hint, other, parts)
        return found if found["type"] == "object" else found | {"type": [found["type"], "null"]}
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    if dataclasses.is_dataclass(kind):
        fields, words = field_types(kind, config_only=True), _descriptions(kind)
        properties = {}
        for name, inner in fields.items():
            properties[name] = _inlined(inner, schema["properties"][name], parts)
            about = schema["properties"][name].get("description")
            text = words.get(name) or about or inspect.getdoc(plain_type(inner)[0])
            properties[name]["description"] = " ".join(text.split())
        needed = [name for name, inner in fields.items() if OPTIONAL not in getattr(inner, "__metadata__", ())]
        about = " ".join(inspect.getdoc(kind).split())
        return {
            "type": "object", "additionalProperties": False, "description": about, "required": needed,
            "properties": properties,
        }  # fmt: skip
    schema = {key: value for key, value in schema.items() if key not in ("title", "default")}
    if schema["type"] == "object":
        (pattern, inner), *_ = (schema.get("patternProperties") or {"": schema.get("additionalProperties")}).items()
        block = {"type": "object", "additionalProperties": _inlined(kind.__args__[1], inner, parts)}
        return block | ({"propertyNames": {"pattern": pattern}} if pattern else {})
    if schema["type"] == "array":
        items = schema.pop("prefixItems", [schema.get("items")])[0]
        schema["items"] = _inlined(kind.__args__[0], items, parts)
    return schema


@functools.cache
def _descriptions(cls) -> dict[str, str]:
    """{field: the text below it} of a settings class and those it derives from."""
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__ in sys.modules and base.__module__.startswith("dheads_model"):
            found |= _texts_below_fields(base.__module__, base.__name__)
    return found


def _texts_below_fields(module: str, name: str) -> dict[str, str]:
    tree = _tree(module)
    body = next((node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), [])
    return {
        field.target.id: text.value.value
        for field, text in zip(body, body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


@functools.cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))
