"""Hash and probe the planned clips of a dataset whose files are on disk; they stay where they are."""

from dheads_model.stages.adopt import adopt_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage
from workflow_scripts.planned_shard import add_plan, planned_shard


def main(arguments) -> None:
    shard = planned_shard(arguments, arguments.dataset)
    outcomes = adopt_shard(shard.clips)
    membership = {"membership": arguments.membership}
    finish_stage(arguments, "adopt_clips", arguments.dataset, shard, outcomes, more_settings=membership)


if __name__ == "__main__":
    parser = add_plan(add_budget(command_parser(__doc__)))
    run_command("workflow_scripts.adopt_clips", parser, main)
