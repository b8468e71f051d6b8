"""Audio gain: a model that listens has one, a deaf one has none and is told of."""

import copy

import numpy as np
import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import LoadedClip
from dheads_model.training.audio_gain import GAIN_SIGMAS, audio_gain
from dheads_model.training.audio_use import gains_of, ignored_audio_sentence
from dheads_model.training.loop import train
from dheads_model.training.settings import run_settings
from tests.factories.training import CONFIG, changed, loud_clips

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def spoken():
    """Clips whose frames are as bright as their sound is loud, so that all is to be heard and nothing to be seen."""

    def landmarks(loud, generator):
        return np.broadcast_to(generator.uniform(4, 12, (1, 68, 2)), (len(loud), 68, 2)).astype(np.float32)

    return loud_clips(4, 12, landmarks)


def hears(**training):
    config = changed(log_sigma_mean=0.0, **training)
    config["network"] = {**CONFIG["network"], "dropout": 0.0}
    config["conditioning_augmentation"] = {
        "motion_noise": 0.0, "patch_drop": 1.0, "patch_size": 8, "mouth_drop": 0.0, "audio_drop": 0.0,
    }  # fmt: skip
    return config


@pytest.fixture(scope="module")
def trained(spoken, tmp_path_factory):
    """(last entry of the log, model) of a training on such clips."""
    folder, config = (
        tmp_path_factory.mktemp("listens"),
        hears(images=640, batch_size=16, log_every_images=320, learning_rate=0.02),
    )
    run = run_settings(config)
    done = train(run, config, spoken, spoken[:2], "data", folder)
    model = TalkingModel(run.network, run.diffusion)
    model.load_state_dict(done.weights)
    return done.last, model.eval()


def test_a_model_that_listens_gains_by_the_true_sound_and_most_where_noise_hides_the_picture(trained):
    gains = gains_of(trained[0])
    assert list(gains) == list(GAIN_SIGMAS)
    assert gains[4.0] > 0.3
    assert gains[4.0] > gains[0.2]


def test_gains_are_the_same_each_time_and_exactly_zero_without_an_audio_branch(spoken, trained):
    run, model = run_settings(hears()), copy.deepcopy(trained[1])
    alive = audio_gain(model, spoken, run, CPU)
    assert all(alive.values()) and alive == audio_gain(model, spoken, run, CPU)
    torch.nn.init.zeros_(model.unet.audio_embed[-1].weight)
    assert set(audio_gain(model, spoken, run, CPU).values()) == {0.0}


def test_one_clip_has_no_other_sound_to_be_compared_with(spoken):
    run = run_settings(hears())
    model = TalkingModel(run.network, run.diffusion).eval()
    assert audio_gain(model, spoken[:1], run, CPU) == {}


def entries(*gains):
    return [{"images": 10 * (k + 1), "loss": 1.0, "audio_gain_1": gain} for k, gain in enumerate(gains)]


def test_three_validations_without_gain_are_said_and_dead_is_told_from_not_yet():
    assert ignored_audio_sentence(entries(0.0, 0.0)) == ""
    assert ignored_audio_sentence([*entries(0.0, 0.0), {"images": 25, "loss": 1.0}]) == ""
    assert ignored_audio_sentence(entries(0.0, 0.0, 0.02)) == ""
    assert "the audio condition has no effect after 40 images" in ignored_audio_sentence(
        entries(0.3, 0.0005, 0.0, -0.0005)
    )
    assert "audio_norm" in ignored_audio_sentence(entries(0.0, 0.0, 0.0))
    assert "train longer" in ignored_audio_sentence(entries(0.0, 0.0002, 0.0))


def test_a_training_that_does_not_listen_warns_or_stops(spoken, tmp_path, caplog):
    silent = [
        LoadedClip(c.clip, c.speaker, c.frames, np.full_like(c.features, -18.0), c.landmarks) for c in spoken
    ]  # fmt: skip
    config = hears(images=256, log_every_images=32, validation_every_images=32)
    train(run_settings(config), config, silent, silent[:2], "data", tmp_path / "warns")
    assert "no effect at all" in caplog.text
    config["training"]["stop_when_audio_ignored"] = True
    with pytest.raises(
        UserError, match="the audio condition has no effect at all on this model's frames after 96 images"
    ):
        train(run_settings(config), config, silent, silent[:2], "data", tmp_path / "stops")
