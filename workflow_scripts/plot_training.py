"""Draw the loss curves of a run: training, held-out speakers, by noise level, and the learning rate."""

from dheads_model.tables.curves import draw_curves
from dheads_model.training.log import read_log
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    draw_curves(read_log(arguments.log), arguments.output)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--log", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.plot_training", parser, main)
