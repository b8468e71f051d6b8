"""The parameter by which Snakemake learns that a file below a finished product is gone."""

import json

import pytest

from workflow_scripts.planning.missing_files import Losses, absent, lost_files


@pytest.fixture
def product(tmp_path):
    path = tmp_path / "table.csv"
    path.touch()
    return str(path)


def told(tmp_path, product, gone, dry=False):
    losses = Losses(tmp_path / "record.json")
    parameter = losses.parameter(product, lambda: gone)
    if not dry:
        losses.keep()
    return parameter


def test_nothing_gone_keeps_the_parameter(tmp_path, product):
    assert told(tmp_path, product, []) == ""
    lost = told(tmp_path, product, ["a"])
    assert lost != ""
    # After the file was made again the parameter stays what the rule ran with.
    assert told(tmp_path, product, []) == lost


def test_a_second_loss_of_the_same_file_is_another_parameter(tmp_path, product):
    assert told(tmp_path, product, ["a"]) != told(tmp_path, product, ["a"])


def test_a_dry_run_says_so_and_writes_nothing(tmp_path, product):
    assert told(tmp_path, product, ["a"], dry=True) != ""
    assert not (tmp_path / "record.json").exists()


def test_one_start_of_the_workflow_gives_one_answer(tmp_path, product):
    losses = Losses(tmp_path / "record.json")
    assert losses.parameter(product, lambda: ["a"]) == losses.parameter(product, lambda: [])


def test_a_missing_product_is_not_looked_below(tmp_path):
    assert told(tmp_path, str(tmp_path / "nothing"), ["a"]) == ""


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_a_damaged_record_counts_as_none(tmp_path, product, content):
    (tmp_path / "record.json").write_text(content)
    assert told(tmp_path, product, []) == ""


def test_lost_and_truncated_files_of_a_manifest_are_named(tmp_path):
    manifest = tmp_path / "0.json"
    assert lost_files(manifest) == []
    files = [{"name": name, "bytes": 3} for name in ("a", "b", "c")]
    manifest.write_text(json.dumps({"files": files}))
    (tmp_path / "a").write_text("abc")
    (tmp_path / "b").write_text("ab")
    assert lost_files(manifest) == [str(tmp_path / "b"), str(tmp_path / "c")]
    manifest.write_text("{")
    assert lost_files(manifest) == [str(manifest)]


def test_absent_paths(tmp_path, product):
    assert absent([product, str(tmp_path / "x")]) == [str(tmp_path / "x")]
