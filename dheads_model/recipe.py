"""Recipe of a product: a small file beside it, `00000.recipe.json` beside `00000.json`.

The product itself (a manifest, an index, a model's checksum file) contains neither code digest nor settings, so that equal
results have equal bytes and rerun nothing downstream. Its recipe contains the command, its settings, the digest of its
code, package versions, and the sha256 of the product and of each product that it was made from. `made_from` links the
whole chain, back to the clips. Standard library only.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from dheads_model.errors import UserError
from dheads_model.files import sha256_of, write_json

_AGAIN = "delete it and run the same command again to regenerate it"


@dataclass(frozen=True)
class Recipe:
    """Recipe of one product.

    command: module that made it. settings, code: its settings and the digest of its code. packages: versions with which
    it ran. product: sha256 of the product. made_from: {path: sha256} of the products it was made from, paths as the job
    saw them. given: {path: sha256} of files from outside, which have no recipe.
    """

    command: str
    settings: dict
    code: str
    product: str
    made_from: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)


def recipe_path(product: Path | str) -> Path:
    """Path of a product's recipe: the same name with the ending .recipe.json."""
    return Path(product).with_suffix(".recipe.json")


def write_recipe(
    product: Path | str,
    command: str,
    settings: Mapping,
    code: str,
    made_from: Iterable[Path | str] = (),
    given: Iterable[Path | str] = (),
    packages: Mapping[str, str] | None = None,
) -> None:
    """Write the recipe of a finished product, whole or not at all; the fields are those of `Recipe`."""
    recipe = Recipe(
        command,
        dict(settings),
        code,
        sha256_of(product),
        {os.fspath(path): sha256_of(path) for path in made_from},
        {os.fspath(path): sha256_of(path) for path in given},
        dict(packages or {}),
    )
    write_json(recipe_path(product), asdict(recipe))


def read_recipe(product: Path | str) -> Recipe:
    """The recipe of a product; raises UserError when there is none or it cannot be used."""
    path = recipe_path(product)
    try:
        return Recipe(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{product} has no recipe {path.name} beside it, so its origin is unknown; {_AGAIN}.") from None
    except (OSError, ValueError, TypeError) as problem:
        raise UserError(f"{path} is not a usable recipe ({problem}); delete {product} to make both again.") from problem


def check_chain(products: Iterable[str], planned: Mapping[str, Mapping]) -> dict[str, Recipe]:
    """Recipes of `products` and of all that they were made from, by path, after the whole chain was checked.

    planned: {beginning of a path: {"settings": ..., "code": ...}}, what the products below it must have been made with;
    the longest beginning counts, a product below none is only compared by its bytes, and
    settings that are not planned are left alone.
    Raises UserError for the first link that does not hold: a product that is missing, was altered, was made with other
    settings or code than planned, or from another file than the one that is here.
    """
    recipes: dict[str, Recipe] = {}
    hashes: dict[str, str] = {}
    todo = list(products)
    while todo:
        product = todo.pop()
        if product in recipes:
            continue
        recipe = recipes[product] = read_recipe(product)
        if _hash_of(product, hashes) != recipe.product:
            raise UserError(f"{product} was altered after it was made; {_AGAIN}.")
        _check_plan(product, recipe, planned)
        for source, known in recipe.made_from.items():
            if _hash_of(source, hashes) != known:
                raise UserError(f"{product} was made from another {source} than the one that is here; {_AGAIN}.")
            todo.append(source)
    return recipes


def _hash_of(path: str, hashes: dict[str, str]) -> str:
    if path not in hashes:
        try:
            hashes[path] = sha256_of(path)
        except OSError as problem:
            raise UserError(
                f"{path} cannot be read ({problem.strerror}), and other files were made from it; run the same command again."
            ) from problem
    return hashes[path]


def _check_plan(product: str, recipe: Recipe, planned: Mapping[str, Mapping]) -> None:
    beginnings = [beginning for beginning in planned if product.startswith(beginning)]
    if not beginnings:
        return
    plan = planned[max(beginnings, key=len)]
    names = sorted(name for name, value in plan["settings"].items() if recipe.settings.get(name) != value)
    if names:
        raise UserError(
            f"{product} was made with other settings than the config has now ({', '.join(names)}); {_AGAIN}."
        )
    if recipe.code != plan["code"]:
        raise UserError(f"{product} was made by other code of {recipe.command} than is here now; {_AGAIN}.")
