"""Settings are defined once: types, bounds and defaults in their classes, the schema, the page and the default config from them."""

import copy
import dataclasses
import math
from typing import Annotated

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import Field
from pydantic.dataclasses import dataclass

from dheads_model.config import build
from dheads_model.configuration import DATASETS, default_config, read_configuration
from dheads_model.configuration_schema import json_schema
from dheads_model.diffusion.settings import SamplingSettings
from dheads_model.errors import UserError
from dheads_model.network.export_formats import completed
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from tests.factories.configs import laid
from tests.workflow import ROOT
from workflow_scripts.write_config_reference import schema_file


def test_the_schema_file_is_up_to_date():
    text = (ROOT / "config/schemas/config.schema.yaml").read_text(encoding="utf-8")
    assert text == schema_file(), "run `make config-reference`"


def test_the_schema_allows_the_shipped_configs_and_refuses_what_the_models_refuse():
    check = Draft202012Validator(json_schema())
    for overlays in ((), ("sync",), ("seeds",), ("paper_crema", "published_crema"), ("lrw", "paper_lrw")):
        check.validate(laid(*overlays))
    config = laid()
    for *path, key, value in (
        ("crop", "size", 63),
        ("crop", "sise", 64),
        ("align", "framing", "aligned"),
        ("runs", "1st", config["runs"]["ours"]),
        ("datasets", ["embedded", "embedded"]),
        ("runs", "ours", "network", "lip_box", [0.0, 1.0]),
        ("runs", "ours", "training", "gradient_clip", 0),
        ("audio", "bands", None),
    ):
        wrong = copy.deepcopy(config)
        block = wrong
        for part in path:
            block = block[part]
        block[key] = value
        assert not check.is_valid(wrong), key
        with pytest.raises(UserError):
            read_configuration(wrong)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"steps": 0}, "config key sampling.steps is 0; the smallest allowed is 1."),
        ({"steps": True}, "config key sampling.steps is True; it must be of type integer."),
        ({"steps": 2.0}, "config key sampling.steps is 2.0; it must be of type integer."),
        ({"rho": "7"}, "config key sampling.rho is '7'; it must be of type number."),
        ({"rho": math.nan}, "config key sampling.rho is nan; it must be a finite number."),
        ({"rho": 0}, "config key sampling.rho is 0; it must be more than 0."),
        ({"sampler": "plms"}, "config key sampling.sampler is 'plms'; it must be one of ancestral_ddpm, consistency, ddim,"),
        ({"hide_mouth": 1}, "config key sampling.hide_mouth is 1; it must be of type boolean."),
        ({"guidance_interval": (1.0, -1.0)}, "config key sampling.guidance_interval[1] is -1.0; the smallest allowed is 0"),
        ({"sigma_min": 30.0}, "0 < sigma_min < sigma_max, not 2, 30.0, 20.0"),
    ],
)  # fmt: skip
def test_settings_are_checked_whenever_they_are_made(values, sentence):
    whole = dataclasses.asdict(SamplingSettings(sigma_max=20.0)) | values
    for make in (
        lambda: SamplingSettings(**whole),
        lambda: dataclasses.replace(SamplingSettings(sigma_max=20.0), **values),
        lambda: build(SamplingSettings, whole, "sampling"),
    ):
        with pytest.raises(UserError) as refusal:
            make()
        assert sentence in str(refusal.value)


def test_integers_are_numbers_and_lists_are_tuples():
    found = build(SamplingSettings, {"rho": 7, "guidance_interval": [0, 5]}, "sampling")
    assert type(found.rho) is float and found.guidance_interval == (0.0, 5.0)


def test_true_is_not_the_number_of_a_choice():
    with pytest.raises(UserError, match=r"network\.motion_channels is True; it must be one of 1, 3"):
        build(NetworkSettings, {"motion_channels": True}, "network")


def test_what_the_program_sets_is_no_key_of_a_config():
    config = laid()
    config["runs"]["ours"]["network"]["time_frequencies"] = "published"
    with pytest.raises(UserError, match=r"runs\.ours\.network\.time_frequencies does not exist"):
        read_configuration(config)


def test_a_key_with_dots_is_told_as_nested_blocks():
    with pytest.raises(UserError, match=r"write nested blocks, crop: \{size: VALUE\}"):
        read_configuration(laid() | {"crop.size": 64})


def test_a_class_of_another_decorator_is_checked_as_strictly():
    @dataclass(frozen=True)
    class Mine:
        count: Annotated[int, Field(ge=1)] = 1

    assert build(Mine, {"count": 2}, "mine") == Mine(2)
    for count in ("2", True, 0):
        with pytest.raises(UserError, match=r"config key mine\.count is "):
            build(Mine, {"count": count}, "mine")


def test_the_default_config_is_the_defaults_of_the_models():
    assert set(DATASETS) <= set(default_config())
    written = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    assert written == default_config()


def test_what_an_export_leaves_out_is_what_it_was_when_it_was_written():
    """Not today's defaults: a model must not change because they do."""
    sizes = {
        "image_size": 16, "base_channels": 32, "channel_multiples": [1], "residual_blocks": 1, "attention_sizes": [],
        "head_channels": 32,
    }  # fmt: skip
    network = build(NetworkSettings, completed("network", sizes), "network", every_key=True)
    assert (network.patch, network.norm_groups, network.audio_channels) == (1, 32, 256)
    diffusion = build(DiffusionSettings, completed("diffusion", {}), "diffusion", every_key=True)
    assert diffusion == DiffusionSettings(parameterization="edm", sigma_data=0.5, residual_to="zero", timesteps=1000)
    sampling = build(SamplingSettings, completed("sampling", {"steps": 4}), "sampling", every_key=True)
    assert (sampling.sampler, sampling.steps, sampling.guidance_scale, sampling.hide_mouth) == (
        "dpmpp_2m",
        4,
        1.0,
        False,
    )
    del sizes["image_size"]
    with pytest.raises(UserError, match=r"network\.image_size is missing"):
        build(NetworkSettings, completed("network", sizes), "network", every_key=True)
