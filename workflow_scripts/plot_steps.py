"""Draw quality by number of steps, and drift, from the benchmark of step counts."""

import json
from pathlib import Path

from dheads_model.tables.step_curves import draw_step_curves
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    draw_step_curves(json.loads(Path(arguments.steps).read_text(encoding="utf-8")), arguments.output)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--steps", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.plot_steps", parser, main)
