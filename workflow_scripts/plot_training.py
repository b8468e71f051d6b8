"""Draw the loss curves of a run: training, held-out speakers, by amount of noise, and the learning rate."""

from dheads_model.tables.curves import draw_curves
from dheads_model.training.log import read_log
from workflow_scripts.command import parser, run


def main(given) -> None:
    draw_curves(read_log(given.log), given.output)


if __name__ == "__main__":
    arguments = parser(__doc__)
    for name in ("--log", "--output"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.plot_training", arguments, main)
