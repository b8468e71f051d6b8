"""The ridge regression that says what sound tells of mouths."""

import json
import subprocess
import sys

import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.metrics.audio_reference import SpokenClip, audio_reference
from dheads_model.shards.index import write_index
from tests.factories.shards import pack
from tests.workflow import ROOT


def spoken(number, late=0, told=1.0, count=40):
    """A clip whose mouth follows one of 6 bands, `late` frames after it, and something else for the share 1 - told."""
    generator = np.random.default_rng(number)
    features = generator.normal(-13, 4, (count, 4, 6)).astype(np.float32)
    heard = np.roll(features[:, :, 2].mean(axis=1), late) + 13
    opening = 0.1 + 0.02 * (told * heard + (1 - told) * generator.normal(0, 2, count))
    return SpokenClip(f"c{number}", f"s{number % 7}", features, opening)


def splits(**kind):
    return [[spoken(n, **kind) for n in numbers] for numbers in (range(30), range(30, 34), range(34, 42))]


def test_a_mouth_that_follows_the_sound_is_predicted_on_other_speakers_and_one_that_does_not_is_not():
    told = audio_reference(*splits())
    assert told["r"]["mean"] > 0.95 and told["best_lag"] == 0 and told["r"]["n"] == 8
    assert told["penalty_chosen_on"] == "validation clips"
    assert abs(audio_reference(*splits(told=0.0))["r"]["mean"]) < 0.3


def test_sound_that_comes_early_shows_in_the_lag():
    assert audio_reference(*splits(late=4))["best_lag"] in (3, 4, 5)  # the window reaches two frames to each side
    assert audio_reference(*splits(late=-5))["best_lag"] in (-3, -4, -5)


def test_without_validation_clips_speakers_are_left_out_and_still_mouths_do_not_count():
    train, _, test = splits()
    still = SpokenClip("still", "s", train[0].features, np.full(40, 0.1))
    found = audio_reference(train, [], [*test, still])
    assert found["penalty_chosen_on"] == "every fifth training speaker"
    assert found["r"]["n"] == 8 and found["r"]["mean"] > 0.95
    with pytest.raises(UserError, match="there are 30 and 0"):
        audio_reference(train, [], [still])


def test_the_command_writes_one_file_of_an_index(tmp_path):
    lengths = {"a_1": 16, "a_2": 20}
    paths = [
        pack(tmp_path, lengths=lengths), pack(tmp_path, shard="00001", split="test", speakers="c", lengths={"c_1": 18})
    ]  # fmt: skip
    write_index(tmp_path / "index.json", paths)
    done = subprocess.run(
        [sys.executable, "-m", "workflow_scripts.measure_audio_reference", "--index", str(tmp_path / "index.json"),
         "--output", str(tmp_path / "reference.json")], cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "reference.json").read_text())
    assert found["clips"]["test"] == 1 and f"r = {found['r']['mean']:.3f}, n = 1 test clips" in done.stdout
