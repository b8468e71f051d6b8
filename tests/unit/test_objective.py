"""One batch to one loss: what the switch `compat` changes, boxes with and without landmarks, weights of the terms."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dheads_model.errors import UserError
from dheads_model.files import sha256_of
from dheads_model.network.export import load_export
from dheads_model.network.layers import sinusoid_frequencies
from dheads_model.network.talking_model import TalkingModel
from dheads_model.published.audio_encoder import SDAAudioEncoder
from dheads_model.shards.index import write_index
from dheads_model.shards.loader import Batch, LoadedClip, sample_batch
from dheads_model.training.objective import batch_loss, draw_batch
from dheads_model.training.settings import RunSettings, run_settings
from tests.factories.networks import settled
from tests.factories.shards import pack
from tests.factories.training import CONFIG, DDPM
from tests.workflow import call
from workflow_scripts import train_model

SIZE = 16


def variant(config: dict, compat: str = "paper", **training) -> RunSettings:
    return run_settings({**config, "compat": compat, "training": {**config["training"], "flip": False, **training}})


def batch() -> Batch:
    """Lips of the target at the bottom of the picture, those of the identity frame at its top."""
    generator = np.random.default_rng(0)

    def frames(*shape):
        return generator.integers(0, 255, (*shape, SIZE, SIZE, 3), dtype=np.uint8)

    low, high = np.full((4, 68, 2), 14, np.float32), np.full((4, 68, 2), 2, np.float32)
    sound = generator.normal(-13, 4, (4, 5, 4, 80)).astype(np.float32)
    return Batch(frames(4), frames(4), frames(4, 2), sound, low, high, low, ("c",) * 4, np.arange(4))


def loss(run: RunSettings, given: Batch, model: TalkingModel | None = None) -> float:
    torch.manual_seed(0)
    model = model or settled(TalkingModel(run.network, run.diffusion))
    return batch_loss(model, draw_batch(given, run, 3, 5, True, torch.device("cpu")), run).total.item()


def moved(given: Batch, which: str) -> Batch:
    return dataclasses.replace(given, **{which: np.full((4, 68, 2), 8, np.float32)})


@pytest.mark.parametrize(("compat", "counts"), [("paper", "landmarks"), ("published", "identity_landmarks")])
def test_compat_decides_whose_lips_the_lip_loss_looks_at(compat, counts):
    run, given = variant(DDPM, compat), batch()
    whole = loss(run, given)
    for which in ("landmarks", "identity_landmarks"):
        assert (loss(run, moved(given, which)) != whole) == (which == counts)


@pytest.mark.parametrize("config", [CONFIG, DDPM])
def test_noise_levels_follow_the_strata_of_a_batch(config):
    run, order = variant(config), np.array([2, 0, 3, 1])
    given, device = batch(), torch.device("cpu")
    plain = draw_batch(given, run, 3, 5, True, device).levels
    assert torch.equal(plain.argsort(), torch.arange(4)), "in rising order where no strata are given"
    mixed = draw_batch(dataclasses.replace(given, strata=order), run, 3, 5, True, device).levels
    np.testing.assert_array_equal(mixed.argsort().argsort(), order)


def test_compat_decides_the_time_frequencies():
    for compat, kind in (("paper", "standard"), ("published", "published")):
        run = variant(DDPM, compat)
        model = TalkingModel(run.network, run.diffusion)
        assert torch.equal(model.unet.time_embed.frequencies, sinusoid_frequencies(8, kind))


def test_compat_is_the_only_switch():
    assert run_settings(DDPM).compat == "paper"
    with pytest.raises(UserError, match="compat is 'code'; it must be one of paper, published"):
        variant(DDPM, "code")
    with pytest.raises(UserError, match="compat published is the published DDPM; set"):
        variant(CONFIG, "published")
    with pytest.raises(UserError, match=r"time_frequencies follows from runs\.NAME\.compat"):
        run_settings({**DDPM, "network": {**DDPM["network"], "time_frequencies": "published"}})


def test_the_model_remembers_what_it_was_trained_with(tmp_path):
    paths = [pack(tmp_path, lengths={"a_1": 9}), pack(tmp_path, shard="00001", split="val", speakers="c")]
    write_index(tmp_path / "index.json", paths)
    config = {**DDPM, "compat": "published", "training": {**DDPM["training"], "images": 16}}
    framing = {"align": {"window": 7, "direction": "symmetric"}, "crop": {"size": 32}}
    call(
        train_model.main, settings=config, framing=framing, methods={}, index=tmp_path / "index.json", state=tmp_path / "state",
        output=tmp_path / "model.safetensors", training_log=tmp_path / "training.jsonl", threads=1, dry_run=False,
        audio_encoder=None, published_audio_encoder=None, teacher=None,
    )  # fmt: skip
    model, kept, facts = load_export(tmp_path / "model.safetensors")
    assert model.network_settings.time_frequencies == "published"
    assert kept["compat"] == "published"
    assert {name: facts[name] for name in framing} == framing
    assert json.loads((tmp_path / "model.json").read_text())["crop"] == {"size": 32}


def test_training_with_the_published_audio_encoder(tmp_path):
    paths = [pack(tmp_path, lengths={"a_1": 9}), pack(tmp_path, shard="00001", split="val", speakers="c")]
    write_index(tmp_path / "index.json", paths)
    torch.manual_seed(0)
    encoder = settled(SDAAudioEncoder(24))
    save_file(encoder.state_dict(), tmp_path / "audio_encoder.safetensors")
    network = {**CONFIG["network"], "audio_encoder": "published", "audio_channels": 256}
    config = {**CONFIG, "network": network, "training": {**CONFIG["training"], "images": 32}}

    def train(file):
        call(
            train_model.main, settings=config, framing={}, methods={}, index=tmp_path / "index.json", state=tmp_path / "state",
            output=tmp_path / "model.safetensors", training_log=tmp_path / "training.jsonl", threads=1, dry_run=False,
            audio_encoder=None, published_audio_encoder=file, teacher=None,
        )  # fmt: skip

    with pytest.raises(UserError, match=r"needs the released audio_encoder\.pt"):
        train(None)
    train(tmp_path / "audio_encoder.safetensors")
    model, _, facts = load_export(tmp_path / "model.safetensors")
    for name, value in encoder.state_dict().items():
        assert torch.equal(model.audio_encoder.state_dict()[name], value), name
    assert model.unet.audio_embed[0].weight.shape[1] == 5 * 256
    assert facts["published_audio_encoder"] == {"sha256": sha256_of(tmp_path / "audio_encoder.safetensors")}
    # Another encoder is other data: its training begins anew, in a folder of its own.
    save_file(settled(SDAAudioEncoder(24), seed=1).state_dict(), tmp_path / "other.safetensors")
    train(tmp_path / "other.safetensors")
    assert len(list((tmp_path / "state").iterdir())) == 2


def test_embeddings_from_elsewhere_cannot_be_trained_with():
    with pytest.raises(UserError, match="audio_encoder none is for imported models"):
        run_settings({**CONFIG, "network": {**CONFIG["network"], "audio_encoder": "none"}})


@pytest.mark.parametrize("config", [CONFIG, DDPM], ids=["edm", "ddpm"])
def test_a_fixed_box_takes_the_place_of_landmarks(config):
    none = dataclasses.replace(batch(), **{name: np.full((4, 68, 2), np.nan, np.float32) for name in (
        "landmarks", "identity_landmarks")})  # fmt: skip
    fixed = variant(config, mouth_box=[0.5, 1.0, 0.0, 1.0])
    found = loss(fixed, none)
    assert np.isfinite(found)
    assert found == loss(fixed, batch())
    assert found != loss(variant(config, mouth_box=[0.0, 0.5, 0.0, 1.0]), none)
    # The same box, placed by landmarks: columns 0 to 15, rows 8 to 15, however far it is grown.
    points = np.zeros((4, 68, 2), np.float32)
    points[:, ::2], points[:, 1::2] = (-50, 13), (50, 50)
    if config is DDPM:
        assert loss(variant(config), dataclasses.replace(batch(), landmarks=points)) == found


def test_an_impossible_box():
    for box in ([0.9, 0.5, 0.0, 1.0], [0.0, 1.0, 0.3, 0.3]):
        with pytest.raises(UserError, match=r"training\.mouth_box is .* must be null or rising fractions"):
            variant(CONFIG, mouth_box=box)
    with pytest.raises(UserError, match=r"training\.mouth_box\[1\] is 1\.5; the largest allowed is 1"):
        variant(CONFIG, mouth_box=[0.0, 1.5, 0.0, 1.0])


def test_the_weights_of_the_papers_terms_count():
    given, whole = batch(), loss(variant(DDPM), batch())
    simple = loss(variant(DDPM, lip_weight=0.0, vlb_weight=0.0), given)
    lip = loss(variant(DDPM, lip_weight=1.0, vlb_weight=0.0), given) - simple
    bound = loss(variant(DDPM, lip_weight=0.0, vlb_weight=1.0), given) - simple
    assert lip > 0
    assert bound > 0
    assert whole == pytest.approx(simple + 0.2 * lip + 1e-4 * bound, rel=1e-5)


def test_windows_carry_the_landmarks_of_both_frames():
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 255, (9, SIZE, SIZE, 3), dtype=np.uint8)
    marks = generator.uniform(0, SIZE, (9, 68, 2)).astype(np.float32)
    made = LoadedClip("a", "s", frames, np.zeros((9, 4, 80), np.float32), marks)
    for step in range(5):
        found = sample_batch([made], 8, 1, step)
        for row, target in enumerate(found.frames):
            assert np.array_equal(found.landmarks[row], made.landmarks[target])
            (identity,) = [k for k in range(9) if np.array_equal(made.frames[k], found.identity[row])]
            assert np.array_equal(found.identity_landmarks[row], made.landmarks[identity])
