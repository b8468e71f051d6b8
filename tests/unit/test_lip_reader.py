"""The lip reader: what it is shown, what it learns, and that measured lips are for training and predicted ones for use."""

import dataclasses

import numpy as np
import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.network.lip_reader import LIP_LEVEL, LIP_SPREAD, LipReader, lip_shape
from dheads_model.network.settings import NetworkSettings
from dheads_model.network.talking_model import TalkingModel
from dheads_model.training.lip_loss import draw_lip_windows, lip_correlation, lip_loss
from dheads_model.training.log import read_log
from dheads_model.training.loop import train
from dheads_model.training.settings import run_settings
from tests.factories.training import CONFIG, changed, loud_clips, without_time
from tests.factories.training import run as run_training

CPU = torch.device("cpu")


def face(gap, width, scale=10.0):
    """Landmarks of a face whose eyes are `scale` apart, lips and mouth in eye distances."""
    points = np.zeros((68, 2), np.float32)
    points[36:42], points[42:48] = (-0.5, 0), (0.5, 0)
    points[62], points[66] = (0, 1.1), (0, 1.1 + gap)
    points[48], points[54] = (-width / 2, 1.1), (width / 2, 1.1)
    return points * scale


@pytest.fixture(scope="module")
def clips():
    """Clips whose mouths open with the loudness of the frame, and whose pictures are as bright as that."""

    def landmarks(loud, _):
        return np.stack([face(0.3 * value, 0.8, 4.0) for value in loud]) + 8

    return loud_clips(6, 30, landmarks, noise=0.5)


def lip_config(**training):
    config = changed(lip_windows=32, **training)
    return config | {"network": {**CONFIG["network"], "lip_reader": True, "dropout": 0.0}}


def test_lips_are_measured_in_eye_distances_and_do_not_depend_on_size_or_side():
    points = torch.from_numpy(np.stack([face(0.16, 0.85), face(0.16, 0.85, 3.0), face(0.16, 0.85) * [-1, 1]])).float()
    expected = [(0.16 - LIP_LEVEL[0]) / LIP_SPREAD[0], (0.85 - LIP_LEVEL[1]) / LIP_SPREAD[1]]
    torch.testing.assert_close(lip_shape(points), torch.tensor([expected] * 3), atol=1e-4, rtol=0)


def test_it_learns_what_the_sound_tells_and_its_gain_magnifies_only_the_deviation_from_the_mean(clips):
    torch.manual_seed(0)
    reader = LipReader(NetworkSettings(**network()))
    optimizer = torch.optim.Adam(reader.parameters(), lr=0.01)
    for step in range(60):
        loss = lip_loss(reader, *draw_lip_windows(clips[:4], 32, 2, 0, step, CPU), 0, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert lip_correlation(reader, clips[4:], 2, CPU) > 0.8
    features, *_ = draw_lip_windows(clips[4:], 16, 2, 1, 0, CPU)
    with torch.no_grad():
        plain, doubled = reader.predict(features, 0.25), reader.predict(features, 0.5)
    torch.testing.assert_close(doubled - plain, plain - reader.mean.detach())


def test_no_gain_predicts_a_gap_below_that_of_closed_lips():
    torch.manual_seed(0)
    reader = LipReader(NetworkSettings(**network()))
    with torch.no_grad():
        features = torch.randn(8, 5, 4, 80)
        gaps = torch.cat([reader.predict(features, gain)[:, 0] for gain in (-100.0, 100.0)])
    torch.testing.assert_close(gaps.min(), lip_shape(torch.from_numpy(_closed_mouth()))[0, 0])
    assert gaps.max() > 10


def network():
    return {**CONFIG["network"], "channel_multiples": (1, 2), "attention_sizes": (), "lip_reader": True}


def test_a_speaker_whose_lips_are_further_apart_has_the_same_deviations_to_learn(clips):
    wide = [dataclasses.replace(clip, landmarks=clip.landmarks + _lower_lip(2.0)) for clip in clips]
    drawn = [draw_lip_windows(some, 16, 2, 0, 0, CPU) for some in (clips, wide)]
    (_, lips, mean), (_, wide_lips, wide_mean) = drawn
    assert ((wide_lips - lips)[:, 0] > 1).all()
    torch.testing.assert_close(wide_lips - wide_mean, lips - mean, atol=1e-4, rtol=0)
    torch.manual_seed(0)
    reader = LipReader(NetworkSettings(**network()))
    learned, wide_learned = (
        torch.autograd.grad(lip_loss(reader, *windows, 0, 0), (reader.deviation.weight, reader.mean))
        for windows in drawn
    )
    torch.testing.assert_close(wide_learned[0], learned[0], atol=1e-4, rtol=0)
    assert not torch.allclose(wide_learned[1], learned[1], atol=1e-2)


def _closed_mouth() -> np.ndarray:
    """Landmarks `[1, 68, 2]` whose lips meet."""
    points = np.random.default_rng(0).uniform(0, 64, (1, 68, 2)).astype(np.float32)
    points[:, 66] = points[:, 62]
    return points


def _lower_lip(pixels: float) -> np.ndarray:
    lower = np.zeros((68, 2), np.float32)
    lower[66, 1] = pixels
    return lower


def test_what_is_drawn_for_it_depends_on_seed_and_step_alone(clips):
    reader = LipReader(NetworkSettings(**network()))
    drawn = [draw_lip_windows(clips, 8, 2, 3, step, CPU) for step in (4, 4, 5)]
    assert torch.equal(drawn[0][0], drawn[1][0]) and not torch.equal(drawn[0][0], drawn[2][0])
    losses = [lip_loss(reader, *drawn[0], 3, step).item() for step in (4, 4, 5)]
    assert losses[0] == losses[1] != losses[2]


def test_lips_that_are_given_take_the_place_of_predicted_ones_and_none_are_told_without_sound():
    torch.manual_seed(0)
    settings = NetworkSettings(**network(), lip_gain=1.5)
    model = TalkingModel(settings, run_settings(CONFIG).diffusion).eval()
    shape = (2, 3, 16, 16)
    given = torch.rand(shape), torch.rand(2, 2, 16, 16), torch.randn(2, 5, 4, 80), torch.zeros(2)

    def stem(drop=None, lips=None):
        with torch.no_grad():
            return model.encode(*given, None if drop is None else torch.tensor([drop] * 2), lips).stem

    with torch.no_grad():
        predicted = model.lip_reader.predict(given[2], 1.5)
    assert torch.equal(stem(), stem(lips=predicted))
    other = stem(lips=predicted + 1)
    assert not torch.equal(stem(), other)
    torch.testing.assert_close(
        (stem() - other)[..., 0, :], torch.zeros_like(other)[..., 0, :]
    )  # conditioned at the mouth only
    assert torch.equal(stem(drop=True), stem(drop=True, lips=predicted + 1))


def test_a_lip_reader_needs_features_to_hear():
    with pytest.raises(UserError, match="lip_reader needs filterbank features"):
        NetworkSettings(**{**network(), "audio_encoder": "published", "audio_channels": 256})


def test_a_training_with_one_is_the_same_interrupted_and_on_any_number_of_cores(clips, tmp_path, monkeypatch):
    config = lip_config(gradient_accumulation=2)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        whole = run_training(config, clips, tmp_path / "whole")
        torch.set_num_threads(2)
        run_training(config, clips, tmp_path / "cut", 7, monkeypatch)
        resumed = run_training(config, clips, tmp_path / "cut")
    finally:
        torch.set_num_threads(before)
    for name, value in whole.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    assert without_time(tmp_path / "whole") == without_time(tmp_path / "cut")


def test_a_trained_model_draws_what_it_predicts_and_the_log_says_how_well(clips, tmp_path):
    config = lip_config(images=640, log_every_images=320, learning_rate=0.01, log_sigma_mean=0.0)
    config["training"]["lip_lr_scale"] = 1.0
    train(run_settings(config), config, clips[:4], clips[4:], "data", tmp_path)
    last = read_log(tmp_path / "training.jsonl")[-1]
    assert last["lip_correlation"] > 0.8
    assert last["audio_gain_4"] > 0.2


def test_rates_of_their_own_reach_the_parts_that_they_name(clips, tmp_path):
    config = lip_config(images=16, audio_lr_scale=0.0, lip_lr_scale=0.0, lip_weight_decay=0.0)
    run = run_settings(config)
    torch.manual_seed(run.training.seed)
    start = TalkingModel(run.network, run.diffusion).state_dict()
    ended = train(run, config, clips[:4], [], "data", tmp_path).weights
    still = [name for name, value in ended.items() if torch.equal(value, start[name])]
    assert {name.split(".")[0] for name in still if not name.startswith("unet")} == {"audio_encoder", "lip_reader"}
    assert "unet.audio_embed.0.weight" in still and "unet.head.weight" not in still


def test_the_options_are_off_by_default():
    plain = dataclasses.asdict(NetworkSettings(**{**network(), "lip_reader": False}))
    assert not plain["audio_norm"] and not plain["lip_reader"]
