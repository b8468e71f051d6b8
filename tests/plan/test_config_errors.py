"""What a person reads who got the config wrong: one sentence with the key and what to write instead."""

import copy

import pytest
import yaml

from dheads_model.errors import UserError
from tests.factories.configs import merged
from tests.workflow import ROOT, snakemake
from workflow_scripts.planning.config_check import check_config
from workflow_scripts.planning.plan import make_work_plan
from workflow_scripts.write_config_reference import reference_page


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def changed(config, path, value):
    result = copy.deepcopy(config)
    block = result
    for key in path[:-1]:
        block = block[key]
    block[path[-1]] = value
    return result


def test_the_default_config_is_valid(config):
    check_config(config)


def test_the_overlays_are_valid(config):
    paper = merged(config, yaml.safe_load((ROOT / "config/paper_crema.yaml").read_text(encoding="utf-8")))
    for path in sorted((ROOT / "config").glob("*.yaml")):
        overlay = yaml.safe_load(path.read_text(encoding="utf-8"))
        check_config(merged(paper if path.name == "published_crema.yaml" else config, overlay))


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (["crop", "sise"], 128, r"config key crop\.sise does not exist; did you mean size\?"),
        (["cropp"], {}, r"config key cropp does not exist; did you mean crop\?"),
        (["crop", "size"], "large", r"config key crop\.size is 'large'; it must be of type integer"),
        (["crop", "size"], 8, r"config key crop\.size is 8; the smallest allowed is 32"),
        (["align", "direction"], "backward", r"config key align\.direction is 'backward'; it must be one of symmetric"),
        (
            ["runs", "ours", "network", "base_chanels"],
            1,
            r"runs\.ours\.network\.base_chanels .* did you mean base_channels",
        ),
        (["runs", "ours", "training", "imags"], 1, r"runs\.ours\.training\.imags .* did you mean images"),
        (
            ["metrics", "backend"],
            "mediapipe",
            r"metrics\.backend does not exist; track\.backend finds the landmarks of",
        ),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_remedy(config, path, value, sentence):
    with pytest.raises(UserError, match=sentence):
        check_config(changed(config, path, value))


def test_a_missing_key_is_named(config):
    del config["crop"]["size"]
    with pytest.raises(UserError, match=r"config key crop\.size is missing"):
        check_config(config)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            ["runs", "ours", "network", "eye_condition"],
            False,
            r"in methods\.ours: sampling\.blinks_per_second is 0\.3, but this model is trained without network\.eye_condition",
        ),
        (
            ["runs", "ours", "conditioning_augmentation", "mouth_drop"],
            0.0,
            r"in methods\.ours: sampling\.hide_mouth is true, but this model is trained with .*mouth_drop 0",
        ),
        (["published_audio_encoder"], "none.pt", r"key published_audio_encoder names none\.pt, which is not a file"),
    ],
)
def test_what_a_method_asks_of_its_run_is_checked_before_the_training(config, path, value, sentence):
    with pytest.raises(UserError, match=sentence):
        make_work_plan(changed(config, path, value))


def test_the_published_audio_encoder_needs_its_file(config):
    network = ["runs", "ours", "network"]
    wide = changed(changed(config, [*network, "audio_channels"], 256), [*network, "lip_reader"], False)
    with pytest.raises(UserError, match="needs the released file: set published_audio_enc"):
        make_work_plan(changed(wide, [*network, "audio_encoder"], "published"))


def test_a_method_of_an_undefined_run_is_refused(config):
    with pytest.raises(UserError, match=r"methods\.ours\.run is other, which runs does not define"):
        make_work_plan(changed(config, ["methods", "ours", "run"], "other"))


def test_an_undefined_reference_of_the_table_is_refused(config):
    with pytest.raises(UserError, match=r"table1\.reference is theirs, which methods does not define; it has ours, gr"):
        make_work_plan(changed(config, ["table1", "reference"], "theirs"))


def test_videos_of_another_method_need_their_folder(config):
    with pytest.raises(UserError, match=r"config key methods\.theirs\.path is missing"):
        check_config(changed(config, ["methods", "theirs"], {"kind": "videos"}))
    theirs = changed(config, ["methods", "theirs"], {"kind": "videos", "path": "nowhere"})
    check_config(theirs)
    with pytest.raises(UserError, match=r"methods\.theirs\.path names nowhere, which is not a folder"):
        make_work_plan(theirs)


def test_the_folder_dataset_asks_for_its_folder(config):
    folder = changed(changed(config, ["datasets"], ["folder"]), ["runs", "ours", "dataset"], "folder")
    with pytest.raises(UserError, match="add --config clips=PATH"):
        make_work_plan(folder)
    with pytest.raises(UserError, match="nowhere, which is not a folder"):
        make_work_plan(changed(folder, ["clips"], "nowhere"))


def test_the_command_shows_the_sentence_and_no_traceback(tmp_path):
    done = snakemake(ROOT, tmp_path, "--dry-run", "--config", "sharding={clips_per_shards: 3}")
    output = done.stdout + done.stderr
    assert done.returncode == 2
    assert "error: config key sharding.clips_per_shards does not exist; did you mean clips_per_shard?" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("results/strips/ours_embedded_00099.png", "error: dataset embedded has no test shard 00099; it has 00006\n"),
        ("resources/embedded/track/00099.json", "error: dataset embedded has no shard 00099; it has 00000 to 00006\n"),
        (
            "results/videos/ours/embedded/parts/00006.xx.json",
            "error: shard 00006 of dataset embedded has no sampling job xx; it has 0000\n",
        ),
        (
            "results/videos/ours/embedded/parts/00099.0000.json",
            "error: dataset embedded has no test shard 00099; it has 00006\n",
        ),
        ("results/runs/our/loss.png", "No rule to produce results/runs/our/loss.png"),
        ("results/strips/our_embedded_00006.png", "No rule to produce results/strips/our_embedded_00006.png"),
    ],
)
def test_a_target_with_a_name_that_does_not_exist_ends_in_a_sentence(tmp_path, target, sentence):
    done = snakemake(ROOT, tmp_path, "--dry-run", "--cores", "1", target)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and sentence in output
    assert "Traceback" not in output and "KeyError" not in output


def test_a_nested_value_of_the_command_line_reaches_its_run(tmp_path):
    done = snakemake(ROOT, tmp_path, "--dry-run", "--printshellcmds", "--config", "runs={ours.training.images: 1016}")
    assert done.returncode == 0, done.stderr
    assert '"images": 1016' in done.stdout + done.stderr


def test_the_reference_page_is_up_to_date():
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run `make config-reference`"


def test_every_key_of_the_default_config_is_described(config):
    page = reference_page()
    for name, block in config.items():
        if isinstance(block, dict) and name not in ("runs", "sync_encoders", "methods"):
            for key in block:
                assert f"`{name}.{key}`" in page


def test_a_password_in_the_address_is_refused_without_being_shown(config):
    url = "https://licensee:correct-horse@host.example/parts/"
    with pytest.raises(UserError, match=r"config key lrw\.url .* LRW_USER and LRW_PASSWORD") as refusal:
        make_work_plan(changed(config, ["lrw", "url"], url))
    assert "correct-horse" not in str(refusal.value)


def test_lrw_is_planned_by_numbers_before_it_is_here(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    both = changed(changed(config, ["datasets"], ["embedded", "lrw"]), ["sharding", "clips_per_shard"], 1000)
    for name in ("LRW_USER", "LRW_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    plan = make_work_plan(both)
    assert list(plan.shards) == ["embedded"] and "lrw.path" in plan.absent["lrw"]
    monkeypatch.setenv("LRW_USER", "licensee")
    monkeypatch.setenv("LRW_PASSWORD", "correct-horse")
    plan = make_work_plan(both)
    assert [len(plan.numbers("lrw", split)) for split in ("train", "val", "test")] == [489, 25, 25]
    assert plan.count("lrw", "train") == 488_766
    assert plan.absent == {}
    assert list(tmp_path.iterdir()) == []
