"""Values of `--config`, which Snakemake hands over partly as text, become what the schema wants."""

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from dheads_model.errors import UserError
from tests.workflow import ROOT
from workflow_scripts.planning.config_check import check_config
from workflow_scripts.planning.config_text import spread_dots


def checked(*given):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    update_config(config, parse_config(list(given)))
    spread_dots(config, parse_config(list(given)))
    check_config(config)
    return config


def test_a_config_from_files_is_left_as_it_is():
    assert checked() == yaml.safe_load((ROOT / "config/config.yaml").read_text())


def test_a_name_with_dots_is_a_nested_key():
    found = checked("runs={ours.training.images: 72, ours: {training.batch_size: 4}}", "crop={size: 64}")
    training = found["runs"]["ours"]["training"]
    assert (training["images"], training["batch_size"], training["seed"]) == (72, 4, 1)
    with pytest.raises(UserError, match=r"runs\.ours\.trainin does not exist; did you mean training"):
        checked("runs={ours.trainin.images: 72}")


def test_nested_numbers_words_and_lists_are_read_as_such():
    found = checked(
        "runs={ours: {training: {images: 72, learning_rate: 1e-3, adam_betas: [0.5, 0.9], mouth_box: null}}}",
        "landmark={redetect: true}",
        "datasets=[embedded]",
    )
    training = found["runs"]["ours"]["training"]
    assert (training["images"], training["learning_rate"], training["adam_betas"]) == (72, 0.001, [0.5, 0.9])
    assert training["mouth_box"] is None and found["landmark"]["redetect"] is True
    assert type(training["images"]) is int and training["batch_size"] == 8


@pytest.mark.parametrize(
    ("given", "key", "value"),
    [
        ("clips=2024", "clips", "2024"),
        ("clips=a {b} (c)", "clips", "a {b} (c)"),
        ("clips=null", "clips", None),
        ("seed=5", "seed", 5),
    ],
)
def test_a_folder_that_looks_like_something_else_is_a_folder(given, key, value):
    assert checked(given)[key] == value


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("crop={size: big}", "crop.size is 'big'; it must be of type integer"),
        ("quality={worst_clips: 2.5}", "quality.worst_clips is 2.5; it must be of type integer"),
        ("landmark={redetect: 1}", "landmark.redetect is '1'; it must be of type boolean"),
    ],
)
def test_a_text_that_is_no_number_is_refused_as_before(given, sentence):
    with pytest.raises(UserError, match=sentence):
        checked(given)
