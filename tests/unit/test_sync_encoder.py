"""Mouth and sound encoders: crops, pairs, loss, learning, resume, export, and a run that starts from them."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dheads_model.errors import UserError
from dheads_model.faces.landmarks import LEFT_EYE, MOUTH, RIGHT_EYE
from dheads_model.faces.mouth import crop_mouths, cut_mouths
from dheads_model.metrics.sync import sync_confidence, sync_offset
from dheads_model.network.export import load_export
from dheads_model.network.sync_encoder import embed_clip, load_sync_encoder, save_sync_encoder
from dheads_model.shards.pairs import MouthClip, sample_pairs
from dheads_model.training import sync_loop
from dheads_model.training.contrastive import (
    choose_clips,
    clip_similarities,
    contrastive_loss,
    held_out_accuracy,
    sync_settings,
)
from dheads_model.training.initial_audio import load_initial_audio
from dheads_model.training.log import read_log
from dheads_model.training.loop import train
from dheads_model.training.settings import run_settings
from tests.factories.sync import CONFIG, changed, run, speaking_clip
from tests.factories.training import CONFIG as RUN


@pytest.fixture(scope="module")
def speaking():
    return [speaking_clip(number) for number in range(12)]


@pytest.fixture(scope="module")
def trained(speaking, tmp_path_factory):
    torch.set_num_threads(1)
    return run(CONFIG, speaking[:9], tmp_path_factory.mktemp("sync"), held_out=speaking[9:])


def face_points(count, mouth_centre, eye_distance=30.0):
    points = np.zeros((count, 68, 2), np.float32)
    points[:, RIGHT_EYE], points[:, LEFT_EYE] = [50, 40], [50 + eye_distance, 40]
    points[:, MOUTH] = mouth_centre
    return points


def test_the_mouth_lies_in_the_middle_of_its_crop_at_any_size():
    for scale in (1, 2):
        frames = np.zeros((3, 128 * scale, 128 * scale, 3), np.uint8)
        frames[:, 80 * scale : 90 * scale, 60 * scale : 70 * scale] = 255
        points = face_points(3, [0, 0])
        points[:, MOUTH] = [64.5, 84.5]
        points = (points + 0.5) * scale - 0.5
        mouths = crop_mouths(cut_mouths(frames, points))
        assert mouths.shape == (3, 32, 48)
        rows, columns = np.nonzero(mouths[0] > 128)
        assert abs(rows.mean() - 15.5) < 0.6
        assert abs(columns.mean() - 23.5) < 0.6
        # 10 pixels where the eyes are 30 apart: a third of an eye distance, of the 1.63 that the crop is wide.
        assert abs(np.ptp(columns) + 1 - 48 / 1.63 / 3) < 1.5


def test_the_crop_does_not_follow_the_lips():
    frames = np.random.default_rng(0).integers(0, 255, (9, 128, 128, 3), dtype=np.uint8)
    frames[:] = frames[:1]
    points = face_points(9, [64, 84])
    points[4, MOUTH] += 6
    mouths = cut_mouths(frames, points)
    assert (mouths == mouths[:1]).all()


def test_a_batch_is_a_function_of_seed_and_step(speaking):
    first, again, next_step, other = (
        sample_pairs(speaking, 4, 8, 3, 2, *where) for where in ((3, 5), (3, 5), (3, 6), (4, 5))
    )
    assert np.array_equal(first.mouth, again.mouth)
    assert np.array_equal(first.audio, again.audio)
    assert not np.array_equal(first.audio, next_step.audio)
    assert not np.array_equal(first.audio, other.audio)
    assert first.mouth.shape == (32, 5, 32, 48)
    assert first.audio.shape == (32, 5, 4, 8)


def test_windows_of_a_clip_are_whole_and_lie_apart():
    count, seen = 30, set()
    features = np.repeat(np.arange(count, dtype=np.float32), 32).reshape(count, 4, 8)
    mouth = np.zeros((count, 36, 52), np.uint8) + np.arange(count, dtype=np.uint8)[:, None, None]
    for step in range(200):
        pairs = sample_pairs([MouthClip("a", "s", "", mouth, features)], 1, 8, 3, 2, 0, step)
        centres = pairs.mouth[:, 2, 0, 0].astype(int)
        assert (np.diff(centres) >= 3).all()
        assert (pairs.mouth[:, :, 0, 0] - pairs.mouth[:, :1, 0, 0] == np.arange(5)).all()
        # The sound is that of the same frames, louder or softer as a whole.
        gain = pairs.audio[:, :, 0, 0] - pairs.mouth[:, :, 0, 0]
        assert np.ptp(gain) < 1e-4
        assert abs(gain[0, 0]) <= 2
        seen |= set(centres)
    assert seen == set(range(2, count - 2)), "every whole window is met"


def test_clips_that_are_too_short_or_few_are_told(speaking):
    short = [speaking_clip(number, count=20) for number in range(4)]
    with pytest.raises(UserError, match=r"0 of 4 training clips have the 26 frames that windows_per_clip 8 needs"):
        sample_pairs(short, 4, 8, 3, 2, 0, 0)
    with pytest.raises(UserError, match="clips_per_batch is 13"):
        sample_pairs(speaking, 13, 8, 3, 2, 0, 0)


def test_loss_of_known_embeddings():
    count, scale = 6, 3.0
    right = torch.eye(count)
    assert contrastive_loss(right, right, scale).item() == pytest.approx(np.log(np.exp(scale) + count - 1) - scale)
    same = F.normalize(torch.ones(count, 4), dim=1)
    assert contrastive_loss(same, same, scale).item() == pytest.approx(np.log(count))
    swapped = right.roll(1, dims=0)
    assert contrastive_loss(right, swapped, scale).item() == pytest.approx(np.log(np.exp(scale) + count - 1))


def test_the_loss_sees_both_directions():
    mouth, audio = F.normalize(torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert contrastive_loss(mouth, audio, 9.0).item() == pytest.approx(contrastive_loss(audio, mouth, 9.0).item())
    one_way = F.cross_entropy(9.0 * mouth @ audio.T, torch.arange(5)).item()
    assert contrastive_loss(mouth, audio, 9.0).item() != pytest.approx(one_way, abs=1e-3)


def test_it_learns_to_tell_the_true_shift_of_unseen_speakers(trained, speaking):
    found = held_out_accuracy(trained.model, speaking[9:], set())["all"]
    assert found["windows"] == 3 * (45 - 4 - 10)
    assert found["chance"] == pytest.approx(1 / 11)
    assert found["window_accuracy"] > 0.4
    assert found["clip_accuracy"] == 1.0
    assert trained.last["held_out"]["all"] == found, "the log holds the last accuracy"


@pytest.mark.parametrize("late", [-3, 2])
def test_shifted_sound_gives_the_shift(trained, speaking, late):
    clip = speaking[10]
    features = np.roll(clip.features, late, axis=0)
    shifted = clip_similarities(trained.model, dataclasses.replace(clip, features=features))
    assert sync_offset(shifted) == -late
    foreign = clip_similarities(trained.model, dataclasses.replace(clip, features=speaking[11].features))
    assert sync_confidence(shifted) > 2 * sync_confidence(foreign)


def test_light_and_loudness_of_a_clip_hardly_count(trained, speaking):
    clip = speaking[10]
    plain = clip_similarities(trained.model, clip)
    darker = dataclasses.replace(clip, mouth=(clip.mouth * 0.6).astype(np.uint8))
    assert np.abs(clip_similarities(trained.model, darker) - plain).max() < 0.1


def test_embeddings_have_unit_length_and_do_not_depend_on_the_rest_of_a_clip(trained, speaking):
    clip = speaking[0]
    mouth, audio = embed_clip(trained.model, crop_mouths(clip.mouth), clip.features)
    assert mouth.shape == audio.shape == (41, 16)
    np.testing.assert_allclose(np.linalg.norm(np.stack([mouth, audio]), axis=2), 1, atol=1e-5)
    part = embed_clip(trained.model, crop_mouths(clip.mouth)[10:], clip.features[10:])
    np.testing.assert_allclose(part[0], mouth[10:], atol=1e-5)
    long = np.tile(crop_mouths(clip.mouth), (7, 1, 1)), np.tile(clip.features, (7, 1, 1))
    assert len(embed_clip(trained.model, *long)[0]) == 7 * 45 - 4
    none = embed_clip(trained.model, crop_mouths(clip.mouth)[:3], clip.features[:3])
    assert none[0].shape == none[1].shape == (0, 16)


def test_an_interrupted_training_ends_bit_for_bit_as_an_uninterrupted_one(speaking, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    config = changed(images=320, log_every_images=96, validation_every_images=192, state_every_images=64)
    whole = run(config, speaking[:6], tmp_path / "whole", speaking[9:])
    run(config, speaking[:6], tmp_path / "cut", speaking[9:], 2, monkeypatch)
    run(config, speaking[:6], tmp_path / "cut", speaking[9:], 5, monkeypatch)
    resumed = run(config, speaking[:6], tmp_path / "cut", speaking[9:])
    assert whole.images == resumed.images == 320
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert read_log(tmp_path / "whole/training.jsonl") == read_log(tmp_path / "cut/training.jsonl")
    with pytest.raises(UserError, match="made with another config; move the folder"):
        run(changed(images=640), speaking[:6], tmp_path / "cut")


def test_export_round_trip(trained, speaking, tmp_path):
    path = tmp_path / "encoder.safetensors"
    save_sync_encoder(path, trained.model, CONFIG, {"images": trained.images})
    loaded, config, facts = load_sync_encoder(path)
    assert (config, facts) == (CONFIG, {"images": 4800})
    assert np.array_equal(clip_similarities(loaded, speaking[10]), clip_similarities(trained.model, speaking[10]))
    save_sync_encoder(tmp_path / "again.safetensors", trained.model, json.loads(json.dumps(CONFIG)), facts)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    with pytest.raises(UserError, match="is no model of this project: its format is 'dheads sync encoder 1'"):
        load_export(path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match="cannot be read as a sync encoder"):
        load_sync_encoder(path)


def test_speakers_and_sentences_are_held_out_as_asked():
    clips = [speaking_clip(n, 8, speaker=f"s{n % 4}", transcript=f"t{n % 3}") for n in range(12)]
    unseen = [speaking_clip(20, 8, speaker="v", transcript="t1")]

    def choose(**how):
        return choose_clips(clips, unseen, sync_settings({**CONFIG, **how}))

    assert choose() == (clips, set())
    even, odd = ({clip.speaker for clip in choose(speakers=which)[0]} for which in ("even", "odd"))
    assert even == {"s0", "s2"}
    assert odd == {"s1", "s3"}
    chosen, new = choose(held_out_sentences=1)
    assert new == {"t1"}, "only a sentence that held-out speakers say can be judged"
    assert {clip.transcript for clip in chosen} == {"t0", "t2"}
    with pytest.raises(UserError, match="3 known sentences, 1 of them in the validation split too; hold out fewer"):
        choose(held_out_sentences=2)
    with pytest.raises(UserError, match="speakers odd leaves no training clip of 1 speakers; take all"):
        choose_clips(clips[::4], unseen, sync_settings({**CONFIG, "speakers": "odd"}))


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({**CONFIG, "speakers": "half"}, r"sync_encoders\.NAME\.speakers is 'half'; it must be one of all, even, odd"),
        (changed(clips_per_batch=1, windows_per_clip=1), "at least two windows a batch"),
        ({**CONFIG, "network": {**CONFIG["network"], "mouth_channels": 12}}, "mouth_channels must be a multiple of 8"),
        ({**CONFIG, "imags": 3}, r"sync_encoders\.NAME\.imags does not exist; did you mean"),
    ],
)
def test_wrong_settings_are_named_with_their_remedy(config, sentence):
    with pytest.raises(UserError, match=sentence):
        sync_settings(config)


@pytest.fixture
def encoder_path(tmp_path):
    config = {**CONFIG, "network": {**CONFIG["network"], "feature_bands": 80}}
    torch.manual_seed(5)
    model = sync_loop.SyncEncoder(sync_settings(config).network)
    save_sync_encoder(tmp_path / "encoder.safetensors", model, config, {})
    return tmp_path / "encoder.safetensors"


@pytest.mark.parametrize("frozen", [True, False])
def test_a_run_starts_from_the_audio_encoder_and_keeps_it_if_frozen(encoder_path, clips, tmp_path, frozen):
    config = {**RUN, "audio_encoder_from": "conditioning", "audio_encoder_frozen": frozen}
    config = {**config, "training": {**config["training"], "images": 24, "warmup_images": 0}}
    settings = run_settings(config)
    encoder = load_initial_audio(encoder_path, settings.network, frozen)
    weights = train(settings, config, clips, [], "data", tmp_path / "state", audio_encoder=encoder).weights
    wanted = load_sync_encoder(encoder_path)[0].audio_encoder.state_dict()
    same = [torch.equal(weights[f"audio_encoder.{name}"], value) for name, value in wanted.items()]
    if frozen:
        assert all(same)
    else:
        moved = torch.cat([(weights[f"audio_encoder.{name}"] - value).flatten() for name, value in wanted.items()])
        assert not all(same)
        assert moved.abs().max() < 0.1, "three steps from where it started"
    with pytest.raises(UserError, match="made with another audio encoder; move the folder"):
        other = dataclasses.replace(encoder, sha256="0" * 64)
        train(settings, config, clips, [], "data", tmp_path / "state", audio_encoder=other)


def test_an_audio_encoder_of_another_size_is_refused(encoder_path):
    network = run_settings({**RUN, "network": {**RUN["network"], "audio_channels": 16}}).network
    with pytest.raises(UserError, match=r"network\.audio_channels is 16 and the audio encoder in .* has 8"):
        load_initial_audio(encoder_path, network, False)
    without = dataclasses.replace(run_settings(RUN).network, audio_encoder="none")
    with pytest.raises(UserError, match="audio_encoder conv only, not none"):
        load_initial_audio(encoder_path, without, False)
    with pytest.raises(UserError, match=r"audio_encoder_frozen needs runs\.NAME\.audio_encoder_from"):
        run_settings({**RUN, "audio_encoder_frozen": True})
