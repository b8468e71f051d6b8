"""The shipped config, its overlays and its schema."""

import copy

import yaml

from tests.workflow import ROOT


def merged(base, overlay):
    """A config with an overlay laid over it."""
    result = copy.deepcopy(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def laid(*overlays: str) -> dict:
    """The default config under some overlays."""
    config: dict = {}
    for name in ("config", *overlays):
        config = merged(config, yaml.safe_load((ROOT / f"config/{name}.yaml").read_text(encoding="utf-8")))
    return config
