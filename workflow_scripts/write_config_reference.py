"""Write config/schemas/config.schema.yaml and docs/configuration.md from the settings models (`make config-reference`)."""

from pathlib import Path

import yaml

from dheads_model.configuration import default_config
from dheads_model.configuration_schema import json_schema
from dheads_model.files import write_text
from dheads_model.training.distillation_settings import distillation_defaults

ROOT = Path(__file__).resolve().parent.parent
_LONGEST_DEFAULT = 80
HEAD = """# Configuration

`snakemake --cores 2 --configfile config/folder.yaml --config clips=PATH -- results/table1.csv` runs the workflow with an
overlay of `config/config.yaml`, whose values are the defaults below. Unknown keys and inconsistent values are errors before
the first job. `python -m workflow_scripts.check_config FILE` checks an overlay without running anything; for invalid YAML it
also names the line, which Snakemake does not.
To set one value, write `--config 'runs={ours.training.images: 1000}'`. Only the first name stands before the `=`, since
Snakemake allows no dots there ("Config entry must start with a valid identifier").
Changing a value reruns only the stages that depend on it.
This page is generated from the settings classes (`dheads_model/configuration.py`) by `make config-reference`; do not edit it.
"""


def schema_file() -> str:
    """The JSON schema as YAML."""
    head = "# Generated from dheads_model/configuration.py by `make config-reference`; edit the settings classes.\n"
    return head + yaml.safe_dump(json_schema(), sort_keys=False, allow_unicode=True, width=120)


def reference_page() -> str:
    """The page as markdown."""
    schema, defaults = json_schema(), default_config()
    # The default run is not distilled; the keys of the block have defaults all the same.
    defaults["runs"]["ours"]["distillation"] = distillation_defaults()
    lines = [HEAD, "## Top level", "", *_table(_scalars(schema), "", defaults), ""]
    for name, block in schema["properties"].items():
        if block.get("type") == "object":
            lines += _section(name, block, defaults.get(name))
    return "\n".join(lines).rstrip() + "\n"


def _section(name: str, block: dict, defaults) -> list[str]:
    lines = [f"## {name}", "", block["description"], ""]
    inner = block.get("additionalProperties")
    if isinstance(inner, dict) and "properties" not in inner:  # names with plain values
        return [*lines, *_table({"NAME": inner}, f"{name}.", None), ""]
    if isinstance(inner, dict):
        first = next(iter((defaults or {}).values()), {})
        lines += [*_table(_scalars(inner), f"{name}.NAME.", first), ""]
        for child, deeper in inner["properties"].items():
            if deeper.get("type") == "object":
                lines += [f"### {name}.NAME.{child}", "", deeper["description"], ""]
                lines += [*_table(_scalars(deeper), f"{name}.NAME.{child}.", (first or {}).get(child, {})), ""]
    else:
        lines += [*_table(_scalars(block), f"{name}.", defaults), ""]
        for child, deeper in block["properties"].items():
            if deeper.get("type") == "object":
                lines += [f"### `{name}.{child}`", "", deeper["description"], ""]
                lines += [*_table(_scalars(deeper), f"{name}.{child}.", (defaults or {}).get(child)), ""]
    return lines


def _scalars(block: dict) -> dict:
    return {key: value for key, value in block["properties"].items() if value.get("type") != "object"}


def _shown(value) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).splitlines()[0]
    return f"`{text}`" if len(text) <= _LONGEST_DEFAULT else "see config/config.yaml"


def _table(keys: dict, prefix: str, defaults) -> list[str]:
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, entry in keys.items():
        shown = _shown(defaults[key]) if key in (defaults or {}) else ""
        choices = f" One of {', '.join(f'`{choice}`' for choice in entry['enum'])}." if "enum" in entry else ""
        rows.append(f"| `{prefix}{key}` | {shown} | {' '.join(entry['description'].split())}{choices} |")
    return rows


if __name__ == "__main__":
    write_text(ROOT / "config/schemas/config.schema.yaml", schema_file())
    write_text(ROOT / "docs/configuration.md", reference_page())
