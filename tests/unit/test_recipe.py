"""Recipes lead from a table down to the clips, and a link that does not hold is refused in one sentence."""

import pytest

from dheads_model.errors import UserError
from dheads_model.files import write_json
from dheads_model.recipe import check_chain, read_recipe, recipe_path, write_recipe

PLANNED = {"crop/": {"settings": {"crf": 12}, "code": "c1"}, "pack/": {"settings": {}, "code": "p1"}}


@pytest.fixture
def chain(tmp_path, monkeypatch):
    """pack/0.json made from crop/0.json, made from nothing."""
    monkeypatch.chdir(tmp_path)
    write_json("crop/0.json", {"clips": 1})
    write_recipe("crop/0.json", "crop", {"crf": 12, "membership": "m"}, "c1", packages={"numpy": "2"})
    write_json("pack/0.json", {"clips": 1})
    write_recipe("pack/0.json", "pack", {}, "p1", made_from=["crop/0.json"])
    return tmp_path


def test_a_whole_chain_gives_the_recipes_of_all_its_products(chain):
    recipes = check_chain(["pack/0.json"], PLANNED)
    assert set(recipes) == {"pack/0.json", "crop/0.json"}
    assert recipes["crop/0.json"].packages == {"numpy": "2"}
    assert recipes["crop/0.json"].settings["membership"] == "m"


def test_the_longest_beginning_of_a_path_counts(chain):
    check_chain(["pack/0.json"], PLANNED | {"cr": {"settings": {"crf": 3}, "code": "x"}})
    with pytest.raises(UserError, match="made by other code of crop"):
        check_chain(["pack/0.json"], PLANNED | {"crop/0": {"settings": {}, "code": "x"}})


def test_other_settings_and_code_than_planned_are_named(chain):
    with pytest.raises(
        UserError, match=r"crop/0.json was made with other settings .*\(crf\); delete it and run the same"
    ):
        check_chain(["pack/0.json"], PLANNED | {"crop/": {"settings": {"crf": 11}, "code": "c1"}})
    with pytest.raises(UserError, match=r"pack/0\.json was made by other code of pack than is here now"):
        check_chain(["pack/0.json"], PLANNED | {"pack/": {"settings": {}, "code": "p2"}})


def test_a_product_made_from_another_file_is_refused(chain):
    write_json("crop/0.json", {"clips": 2})
    write_recipe("crop/0.json", "crop", {"crf": 12}, "c1")
    with pytest.raises(UserError, match=r"pack/0\.json was made from another crop/0\.json than the one that is here"):
        check_chain(["pack/0.json"], PLANNED)


def test_an_altered_product_is_refused(chain):
    write_json("pack/0.json", {"clips": 7})
    with pytest.raises(UserError, match=r"pack/0\.json was altered after it was made"):
        check_chain(["pack/0.json"], PLANNED)


@pytest.mark.parametrize("content", ["", "[]", '{"command": 1}', "null"])
def test_a_missing_or_damaged_recipe_is_a_sentence(chain, content):
    recipe_path("crop/0.json").unlink()
    with pytest.raises(UserError, match="has no recipe"):
        check_chain(["pack/0.json"], PLANNED)
    recipe_path("crop/0.json").write_text(content)
    with pytest.raises(UserError, match="not a usable recipe"):
        read_recipe("crop/0.json")


def test_a_missing_source_is_a_sentence(chain):
    (chain / "crop/0.json").unlink()
    with pytest.raises(UserError, match=r"crop/0.json cannot be read .*run the same command again"):
        check_chain(["pack/0.json"], PLANNED)


def test_equal_products_have_equal_recipes(chain):
    first = recipe_path("pack/0.json").read_bytes()
    write_recipe("pack/0.json", "pack", {}, "p1", made_from=["crop/0.json"])
    assert recipe_path("pack/0.json").read_bytes() == first
