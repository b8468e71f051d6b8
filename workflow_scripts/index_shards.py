"""Check how every shard of a dataset was made, then write the index of all of them."""

import json
from pathlib import Path

from dheads_model.config import short_hash
from dheads_model.errors import UserError
from dheads_model.recipe import Recipe, check_chain
from dheads_model.shards.index import write_index
from workflow_scripts.command import parser, run
from workflow_scripts.finish import keep_recipe


def main(given) -> None:
    recipes = check_chain(given.shards, given.planned)
    check_memberships(recipes, given.memberships)
    write_index(given.output, given.shards)
    keep_recipe(given, "index_shards", given.output, made_from=given.shards)


def check_memberships(recipes: dict[str, Recipe], planned: str) -> None:
    """Raise UserError unless the shards hold the clips that are planned now.

    planned: digest of the memberships of all shards, in order.
    """
    found = [recipe.settings["membership"] for _, recipe in sorted(recipes.items()) if "membership" in recipe.settings]
    if short_hash(found) != planned:
        folder = next(
            (str(Path(path).parent) for path, recipe in recipes.items() if "membership" in recipe.settings), ""
        )
        raise UserError(
            f"the shards below {folder} hold other clips than the config names now; delete that folder and run the same "
            "command again to regenerate them."
        )


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--shards", nargs="+", required=True)
    arguments.add_argument("--planned", type=json.loads, default={}, help="settings and code of each stage, as JSON")
    arguments.add_argument("--memberships", required=True, help="digest of the clips of all shards")
    arguments.add_argument("--output", required=True)
    run("workflow_scripts.index_shards", arguments, main)
