"""Render one shard of the embedded corpus in CREMA-D's layout, with its ground-truth tables."""

from pathlib import Path

from dheads_model.stages.synthesis import synthesise_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage
from workflow_scripts.planned_shard import add_plan, planned_shard


def main(arguments) -> None:
    shard = planned_shard(arguments, "embedded")
    folder = Path(arguments.corpus_folder)
    outcomes, tables = synthesise_shard(shard.clips, shard.shard, arguments.settings["seed"], folder)
    membership = {"membership": arguments.membership}
    finish_stage(arguments, "synthesise_clips", "embedded", shard, outcomes, tables, more_settings=membership)


if __name__ == "__main__":
    parser = add_plan(add_budget(command_parser(__doc__)))
    run_command("workflow_scripts.synthesise_clips", parser, main)
