"""Check config files without running anything: `python -m workflow_scripts.check_config config/mine.yaml`.

Snakemake reads them before this project is asked and says of broken YAML only that it is broken; this names the line.
Several files are laid over each other and over the default config in the order in which they are given.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.yaml_file import overlaid, read_yaml
from workflow_scripts.planning.config_check import check_config
from workflow_scripts.planning.dataset_blocks import dataset_defaults
from workflow_scripts.planning.settings_check import check_settings

_FOLDER = Path(__file__).resolve().parent.parent / "config"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the exit code is 2 after an error, told in one sentence. arguments: None takes those of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow_scripts.check_config", description=__doc__.splitlines()[0]
    )
    parser.add_argument("files", nargs="+", help="YAML files as for snakemake --configfile")
    given = parser.parse_args(arguments)
    try:
        config = overlaid(dataset_defaults(), read_yaml(_FOLDER / "config.yaml"))
        for path in given.files:
            config = overlaid(config, read_yaml(path))
        check_config(config, str(_FOLDER / "schemas/config.schema.yaml"))
        check_settings(config)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    print("the config is right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
