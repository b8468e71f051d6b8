"""Fit the ridge regression from audio features to mouth opening on the training clips of a dataset."""

from dheads_model.files import write_json
from dheads_model.shards.index import read_index
from dheads_model.stages.linear_regression import fit_regression
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import keep_recipe


def main(arguments) -> None:
    write_json(arguments.output, fit_regression(read_index(arguments.index)))
    keep_recipe(arguments, "fit_linear_regression", arguments.output, made_from=[arguments.index])


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--index", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.fit_linear_regression", parser, main)
