"""Check config files without running anything: `python -m workflow_scripts.check_config config/mine.yaml`.

Snakemake reads config files itself, and for invalid YAML it does not name the line; this command does.
Several files are merged over the default config in the given order.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dheads_model.configuration import default_config
from dheads_model.configuration_checks import check_configuration
from dheads_model.errors import EXIT_USER_ERROR, UserError
from dheads_model.yaml_file import overlaid, read_yaml
from workflow_scripts.planning.config_check import check_config
from workflow_scripts.planning.training_seeds import with_seeds

_FOLDER = Path(__file__).resolve().parent.parent / "config"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; an error is one sentence and EXIT_USER_ERROR. arguments: None takes those of the process."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow_scripts.check_config", description=__doc__.splitlines()[0]
    )
    parser.add_argument("files", nargs="+", help="YAML files as for snakemake --configfile")
    given = parser.parse_args(arguments)
    try:
        config = overlaid(default_config(), read_yaml(_FOLDER / "config.yaml"))
        for path in given.files:
            config = overlaid(config, read_yaml(path))
        check_config(config)
        check_configuration(with_seeds(config))
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return EXIT_USER_ERROR
    print("the config is right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
