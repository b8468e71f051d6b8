"""Download one shard of CREMA-D, or find it in a given folder; every file is checked against the pinned table."""

from pathlib import Path

from dheads_model.config import build
from dheads_model.files import sha256_of
from dheads_model.stages.crema_d_source import FetchSettings, fetch_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage
from workflow_scripts.planned_shard import add_plan, planned_shard


def main(arguments) -> None:
    shard = planned_shard(arguments, "crema_d")
    settings = build(FetchSettings, arguments.settings | arguments.hosts, "crema_d")
    outcomes = fetch_shard(shard.clips, settings, Path(arguments.corpus_folder))
    # Only the table determines the data; hosts, retry policy and the path of the tables do not.
    arguments.settings = {"objects": sha256_of(Path(settings.tables, "objects.tsv"))}
    membership = {"membership": arguments.membership}
    finish_stage(arguments, "fetch_crema_d", "crema_d", shard, outcomes, more_settings=membership)


if __name__ == "__main__":
    parser = add_plan(add_budget(command_parser(__doc__)))
    run_command("workflow_scripts.fetch_crema_d", parser, main)
