"""Hash and probe the planned clips of a folder; the files stay where they are."""

from dheads_model.stages.adopt import adopt_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage
from workflow_scripts.planned_shard import add_plan, planned_shard


def main(arguments) -> None:
    shard = planned_shard(arguments, "folder")
    outcomes = adopt_shard(shard.clips)
    finish_stage(
        arguments, "adopt_clips", "folder", shard, outcomes, more_settings={"membership": arguments.membership}
    )


if __name__ == "__main__":
    parser = add_plan(add_budget(command_parser(__doc__)))
    parser.add_argument("--manifest", required=True)
    run_command("workflow_scripts.adopt_clips", parser, main)
