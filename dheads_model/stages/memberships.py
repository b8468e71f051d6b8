"""Whether packed shards hold the clips that are planned now."""

from pathlib import Path

from dheads_model.config import short_hash
from dheads_model.errors import UserError
from dheads_model.recipe import Recipe


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
