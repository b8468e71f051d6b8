"""The sync encoder in the workflow: off by default, its rules where the config has a use for it, refusals in words."""

import copy

import pytest
import yaml

from dheads_model.errors import UserError
from tests.workflow import ROOT, plan
from workflow_scripts.planning.plan import make_work_plan


def load(name):
    return yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))


@pytest.fixture
def config():
    return load("config.yaml")


def changed(config, **values):
    """The config with values at dotted paths, dots written as two underscores."""
    result = copy.deepcopy(config)
    for path, value in values.items():
        *blocks, key = path.split("__")
        block = result
        for name in blocks:
            block = block[name]
        block[key] = value
    return result


@pytest.mark.slow
def test_rules_appear_only_where_the_config_has_a_use_for_them(tmp_path):
    (tmp_path / "scored.yaml").write_text("metrics: {sync_encoder: scorer}")
    rules = ("train_sync_encoder", "measure_sync")

    def counts(*configs):
        found = plan(ROOT, tmp_path, *(["--configfile", *map(str, configs)] if configs else []))
        return tuple(found.get(rule, 0) for rule in rules)

    assert counts() == (0, 0)
    assert counts(ROOT / "config/sync.yaml") == (2, 3), "one test shard of three methods"
    assert counts(ROOT / "tests/tiny.yaml", tmp_path / "scored.yaml") == (0, 3), "too few clips: refusals only"


def test_it_is_off_by_default_and_in_the_papers_configs(config):
    assert config["metrics"]["sync_encoder"] is None
    assert config["runs"]["ours"]["audio_encoder_from"] is None
    assert not config["runs"]["ours"]["audio_encoder_frozen"]
    for name in ("paper_crema.yaml", "published_crema.yaml"):
        text = (ROOT / "config" / name).read_text(encoding="utf-8")
        assert "sync_encoder" not in text
        assert "audio_encoder_from" not in text


def test_the_two_encoders_of_the_config_share_no_speaker_and_no_seed(config):
    first, second = (config["sync_encoders"][name] for name in ("conditioning", "scorer"))
    assert {first["speakers"], second["speakers"]} == {"even", "odd"}
    assert first["training"]["seed"] != second["training"]["seed"]
    assert first["network"] == second["network"]


def test_too_few_clips_refuse_the_metric_and_the_run(config):
    few = changed(config, metrics__sync_encoder="scorer", sync_encoders__scorer__min_clips=73)
    assert make_work_plan(few).sync_refusal("embedded") == "72 training clips, sync encoder scorer needs 73"
    assert make_work_plan(config).sync_refusal("embedded") == ""
    run = changed(
        config, runs__ours__audio_encoder_from="conditioning", sync_encoders__conditioning__min_clips=99
    )  # fmt: skip
    assert make_work_plan(run).missing_methods() == {
        "ours": "not trained: 72 training clips, sync encoder conditioning needs 99"
    }


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"metrics__sync_encoder": "scorrer"},
            r"metrics\.sync_encoder is scorrer, which sync_encoders does not define; it has conditioning, scorer",
        ),
        ({"runs__ours__audio_encoder_from": "x"}, r"runs\.ours\.audio_encoder_from is x, which sync_encoders does not"),
        (
            {"runs__ours__audio_encoder_from": "scorer", "metrics__sync_encoder": "scorer"},
            r"which run ours starts its audio encoder from \(evaluation leakage\)",
        ),
        (
            {
                "runs__ours__audio_encoder_from": "conditioning",
                "metrics__sync_encoder": "scorer",
                "sync_encoders__scorer__training__seed": 11,
            },
            "are equal, so the scorer is not held out; make them differ",
        ),
        (
            {"runs__ours__audio_encoder_from": "conditioning", "runs__ours__network__audio_channels": 64},
            r"runs\.ours\.network\.audio_channels is 64 and sync_encoders\.conditioning\.network\.audio_channels is 96",
        ),
        (
            {
                "runs__ours__audio_encoder_from": "conditioning",
                "runs__ours__network__audio_encoder": "none",
                "runs__ours__network__lip_reader": False,
            },
            r"needs runs\.ours\.network\.audio_encoder conv",
        ),
        (
            {"metrics__sync_encoder": "scorer", "audio__bands": 40},
            r"sync_encoders\.scorer\.network\.feature_bands is 80 and audio\.bands is 40",
        ),
    ],
)
def test_what_cannot_go_together_is_named(config, values, sentence):
    with pytest.raises(UserError, match=sentence):
        make_work_plan(changed(config, **values))
