"""The config from Snakemake, completed with defaults and checked before planning."""

import yaml

from dheads_model.configuration import Configuration, default_config, read_configuration
from dheads_model.corpora.registry import DATASETS
from dheads_model.distilled_runs import fill_distilled
from dheads_model.errors import UserError
from workflow_scripts.planning.config_text import read_texts

# Plausible keys that do not exist, with the key that has their effect.
_INSTEAD = {
    "metrics.backend": "track.backend finds the landmarks of the videos too, so that LMD compares one detector with itself"
}


def fill_config(config: dict, default_path: str) -> None:
    """Add to `config` the missing keys, from the default config and the datasets' settings.

    A workflow that uses this one as a module has its own config, and Snakemake then does not read the default.
    """
    with open(default_path, encoding="utf-8") as stream:
        # libyaml's parser if PyYAML has it: it is ten times as fast.
        _fill(config, yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    defaults = default_config()
    _fill(config, {name: defaults[name] for name in DATASETS})


def _fill(config: dict, defaults: dict) -> None:
    for key, value in defaults.items():
        if key not in config:
            config[key] = value
        elif isinstance(value, dict) and isinstance(config[key], dict):
            _fill(config[key], value)


def check_config(config: dict) -> None:
    """Raise UserError for the first key or value in `config` that its models do not allow, naming key, value and remedy.

    Strings from `--config` for numbers, true, false and null are replaced by these in `config`, and distilled runs get the keys
    that they take from their teachers.
    """
    fill_distilled(config)
    read_texts(config, Configuration)
    for path, instead in _INSTEAD.items():
        block, _, key = path.partition(".")
        if key in config.get(block, {}):
            raise UserError(f"config key {path} does not exist; {instead}.")
    read_configuration(config)
