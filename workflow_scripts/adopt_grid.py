"""Check and hash the planned clips of GRID, with their words; the files stay where they are."""

from dheads_model.stages.grid_source import adopt_sentences
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage
from workflow_scripts.planned_shard import add_plan, planned_shard


def main(arguments) -> None:
    shard = planned_shard(arguments, "grid")
    outcomes = adopt_sentences(shard.clips)
    finish_stage(arguments, "adopt_grid", "grid", shard, outcomes, more_settings={"membership": arguments.membership})


if __name__ == "__main__":
    parser = add_plan(add_budget(command_parser(__doc__)))
    run_command("workflow_scripts.adopt_grid", parser, main)
