"""How well the mouth openings that a ridge regression predicts follow the true ones, for the clips of a test shard."""

from dheads_model.manifest import read_manifest
from dheads_model.stages.linear_regression import measure_regression
from workflow_scripts.command import add_subset, command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    shard = read_manifest(arguments.shard)
    outcomes = measure_regression(
        arguments.shard, arguments.regression, arguments.method, arguments.output, arguments.subset
    )
    made_from = [arguments.shard, arguments.regression]
    chosen = {"subset": arguments.subset}
    finish_stage(
        arguments, "measure_linear_regression", shard.dataset, shard, outcomes, [arguments.output], made_from,
        more_settings=chosen,
    )  # fmt: skip


if __name__ == "__main__":
    parser = add_subset(command_parser(__doc__))
    for name in ("--shard", "--regression", "--method", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.measure_linear_regression", parser, main)
