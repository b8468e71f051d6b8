"""Configs in YAML: reading, with file and line in errors, and overlays."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from dheads_model.errors import UserError


def read_yaml(path: Path | str) -> dict:
    """The block of keys that a YAML file holds.

    Raises UserError, with the line where there is one, for a file that cannot be read, is no YAML, names a key twice, or
    holds something else than keys.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as problem:
        raise UserError(f"{path} cannot be read as a config ({problem.strerror}); give a YAML file.") from problem
    except UnicodeDecodeError as problem:
        raise UserError(f"{path} cannot be read as a config (it is no UTF-8 text); give a YAML file.") from problem
    try:
        content = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(f"{path}{where} is no YAML ({problem.problem or problem.context}); fix that line.") from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise UserError(f"{path} is no YAML ({str(problem).splitlines()[0]}); give a YAML file.") from problem
    if not isinstance(content, Mapping):
        raise UserError(f"{path} holds no config keys, but {_kind(content)}; write lines such as `seed: 1`.")
    return dict(content)


def overlaid(below: Mapping, above: Mapping) -> dict:
    """`below` with the values of `above`: blocks are merged, other values replaced, as Snakemake does."""
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
        result[key] = overlaid(below[key], value) if both else value
    return result


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys, of which YAML would take the last."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge" and isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value} is there twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _kind(content) -> str:
    return "nothing" if content is None else f"a {type(content).__name__}"
