"""Check the whole config against its schema before anything is planned, and answer in one sentence."""

import yaml
from jsonschema import Draft202012Validator

from dheads_model.config import unknown_key
from dheads_model.errors import UserError
from workflow_scripts.planning.config_text import read_texts
from workflow_scripts.planning.dataset_blocks import add_datasets, dataset_defaults
from workflow_scripts.planning.settings_check import check_finite

# What to write for keys that one would look for and that another key decides.
_INSTEAD = {
    "metrics.backend": "track.backend finds the landmarks of the videos too, so that LMD compares one detector with itself"
}


def load_schema(path: str) -> dict:
    """The schema as a dictionary, with all datasets in it."""
    with open(path, encoding="utf-8") as stream:
        # libyaml's parser where PyYAML has it: the other one takes a tenth of the time of a run with nothing to do.
        schema = yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    add_datasets(schema)
    return schema


def fill_config(config: dict, default_path: str) -> None:
    """Add to `config` what the default config and the datasets' settings have and it lacks.

    A workflow that has this one as its module gives a config of its own, and Snakemake then leaves the default aside.
    """
    with open(default_path, encoding="utf-8") as stream:
        _fill(config, yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    _fill(config, dataset_defaults())


def _fill(config: dict, defaults: dict) -> None:
    for key, value in defaults.items():
        if key not in config:
            config[key] = value
        elif isinstance(value, dict) and isinstance(config[key], dict):
            _fill(config[key], value)


def check_config(config: dict, schema_path: str) -> None:
    """Raise UserError for the first thing in `config` that the schema does not allow, naming key, value and remedy.

    Texts that `--config` gave for numbers, true, false and null are replaced by these in `config`.
    """
    schema = load_schema(schema_path)
    read_texts(config, schema)
    check_finite(config)
    validator = Draft202012Validator(schema)
    problems = sorted(
        validator.iter_errors(config), key=lambda problem: (list(map(str, problem.absolute_path)), problem.validator)
    )
    # An unknown key is often the cause of a missing one, so it is told first.
    problems.sort(key=lambda problem: problem.validator != "additionalProperties")
    if problems:
        raise UserError(_sentence(problems[0]))


def _sentence(problem) -> str:
    path = ".".join(str(part) for part in problem.absolute_path)
    given = problem.instance
    if problem.validator == "additionalProperties":
        known = problem.schema.get("properties", {})
        extra = sorted(key for key in given if key not in known)[0]
        key = f"{path}.{extra}" if path else extra
        return (
            f"config key {key} does not exist; {_INSTEAD[key]}." if key in _INSTEAD else unknown_key(key, extra, known)
        )
    if problem.validator == "required":
        missing = next(key for key in problem.validator_value if key not in given)
        return f"config key {path}.{missing} is missing.".replace("key .", "key ")
    if problem.validator == "enum":
        choices = ", ".join(map(str, problem.validator_value))
        return f"config key {path} is {given!r}; it must be one of {choices}."
    if problem.validator == "type":
        wanted = problem.validator_value
        wanted = " or ".join(wanted) if isinstance(wanted, list) else wanted
        return f"config key {path} is {given!r}; it must be of type {wanted}."
    if problem.validator in ("minimum", "exclusiveMinimum"):
        return f"config key {path} is {given}; the smallest allowed is {problem.validator_value}."
    if problem.validator in ("maximum", "exclusiveMaximum"):
        return f"config key {path} is {given}; the largest allowed is {problem.validator_value}."
    return f"config key {path}: {problem.message}."
