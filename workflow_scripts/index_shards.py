"""Check how every shard of a dataset was made, then write the index of all of them."""

import json

from dheads_model.recipe import check_chain
from dheads_model.shards.index import write_index
from dheads_model.stages.memberships import check_memberships
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import keep_recipe


def main(arguments) -> None:
    recipes = check_chain(arguments.shards, arguments.planned)
    check_memberships(recipes, arguments.memberships)
    write_index(arguments.output, arguments.shards)
    keep_recipe(arguments, "index_shards", arguments.output, made_from=arguments.shards)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--shards", nargs="+", required=True)
    parser.add_argument("--planned", type=json.loads, default={}, help="settings and code of each stage, as JSON")
    parser.add_argument("--memberships", required=True, help="digest of the clips of all shards")
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.index_shards", parser, main)
