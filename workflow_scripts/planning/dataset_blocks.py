"""The config blocks of the datasets, from their settings classes: what the schema allows in them, and their defaults."""

import dataclasses

from pydantic import TypeAdapter

from dheads_model.corpora.registry import DATASETS

# Keys of JSON schema that pydantic writes and the config's checks have no use for.
_UNUSED = ("title", "default", "$defs")


def add_datasets(schema: dict) -> None:
    """Let a config schema know all datasets: their names wherever it lists datasets, and a block for each that it lacks."""
    blocks = schema["properties"]
    blocks["datasets"]["items"]["enum"] = blocks["budget"]["properties"]["strict"]["items"]["enum"] = list(DATASETS)
    for name, dataset in DATASETS.items():
        blocks.setdefault(name, block_schema(dataset.settings))


def block_schema(settings: type) -> dict:
    """JSON schema of a settings class without references and titles; every key is required, as in the other blocks."""
    whole = TypeAdapter(settings).json_schema()
    return _plain(whole, whole.get("$defs", {}))


def dataset_defaults() -> dict:
    """{dataset: its config block with the default values}."""
    return {name: _listed(dataclasses.asdict(dataset.settings())) for name, dataset in DATASETS.items()}


def _plain(schema: dict, shared: dict) -> dict:
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = shared[schema["$ref"].rpartition("/")[2]] | beside
    found = {key: value for key, value in schema.items() if key not in _UNUSED}
    if "anyOf" in found:
        found |= _joined([_plain(option, shared) for option in found.pop("anyOf")])
    if "properties" in found:
        found["properties"] = {key: _plain(value, shared) for key, value in found["properties"].items()}
        found["required"] = list(found["properties"])
    if isinstance(found.get("items"), dict):
        found["items"] = _plain(found["items"], shared)
    return found


def _joined(options: list[dict]) -> dict:
    """One schema for `X or None`: null joins the types of X."""
    (value,) = [option for option in options if option != {"type": "null"}]
    return value | {"type": [value["type"], "null"]}


def _listed(value):
    """Tuples as lists, as YAML has them."""
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, list | tuple) else value
