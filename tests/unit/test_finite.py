"""A training whose loss, gradient or weights are no numbers stops with a sentence and keeps its last good state."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.network.talking_model import TalkingModel
from dheads_model.training import loop, sync_loop
from dheads_model.training.finite import FiniteWatch, check_state
from dheads_model.training.log import append_log
from dheads_model.training.loop import train
from dheads_model.training.settings import run_settings
from dheads_model.training.state import save_state
from tests.factories.sync import changed as changed_sync
from tests.factories.sync import run as run_sync
from tests.factories.sync import speaking_clip
from tests.factories.training import CONFIG, changed

DDPM = {
    **changed(images=64, state_every_images=8, log_every_images=8),
    "diffusion": {**CONFIG["diffusion"], "parameterization": "ddpm", "residual_to": "zero"},
    "network": {**CONFIG["network"], "learned_variance": True},
}


def states(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("state-*.pt")}


def spoilt(monkeypatch, spoil, step: int):
    """Let `spoil` change the loss of one step; two passes a step at most."""
    real, taken = loop.batch_loss, []

    def losses(*arguments):
        taken.append(1)
        loss = real(*arguments)
        return spoil(loss) if torch.is_grad_enabled() and sum(taken) > step else loss

    monkeypatch.setattr(loop, "batch_loss", losses)


def stopped(clips, config, folder) -> str:
    with pytest.raises(UserError) as stop:
        train(run_settings(config), config, clips, [], "data", folder)
    assert all(torch.load(path, weights_only=True)["images"] for path in folder.glob("state-*.pt"))
    for line in (folder / "training.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    return str(stop.value)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_training(clips, tmp_path, monkeypatch, at_once, bad):
    monkeypatch.setattr(loop, "seen_at_once", lambda device: at_once)
    config = changed(images=64, state_every_images=24, log_every_images=32)
    spoilt(monkeypatch, lambda loss: dataclasses.replace(loss, total=loss.total * bad, terms=loss.terms * bad), 4)
    told = stopped(clips, config, tmp_path)
    assert "training stopped: the loss, the gradient of" in told
    assert "more are not finite in step 5 (images 33 to 40); the state saved before it is kept" in told
    assert list(states(tmp_path)) == ["state-000000000024.pt"]
    assert len((tmp_path / "training.jsonl").read_text().splitlines()) == 1


def test_a_training_goes_on_from_its_last_good_state(clips, tmp_path, monkeypatch):
    config = changed(images=40, state_every_images=8)
    whole = train(run_settings(config), config, clips, [], "data", tmp_path / "whole")
    with monkeypatch.context() as patch:
        spoilt(patch, lambda loss: dataclasses.replace(loss, total=loss.total * np.nan), 3)
        assert "the gradient of" in stopped(clips, config, tmp_path / "cut")
    again = train(run_settings(config), config, clips, [], "data", tmp_path / "cut")
    assert all(torch.equal(value, again.weights[name]) for name, value in whole.weights.items())


def test_the_term_that_is_no_number_is_named(clips, tmp_path, monkeypatch):
    spoilt(monkeypatch, lambda loss: dataclasses.replace(loss, terms=loss.terms * torch.tensor([1, 1, np.inf])), 0)
    assert "training stopped: the lip loss is not finite in step 1 (images 1 to 8)" in stopped(clips, DDPM, tmp_path)


def test_a_gradient_alone_stops_it_and_is_named(clips, tmp_path, monkeypatch):
    real = loop.gradients

    def gradients(loss, weights):
        found = list(real(loss, weights))
        found[2] = found[2] * np.inf
        return tuple(found)

    monkeypatch.setattr(loop, "gradients", gradients)
    model = TalkingModel(run_settings(CONFIG).network, run_settings(CONFIG).diffusion)
    name = [name for name, _ in model.named_parameters()][2]
    assert f"training stopped: the gradient of {name} is not finite in step 1" in stopped(clips, CONFIG, tmp_path)


def test_data_that_are_no_numbers_stop_it(clips, tmp_path):
    deaf = [dataclasses.replace(clip, features=np.full_like(clip.features, np.nan)) for clip in clips]
    assert "look for values in the data that are no numbers" in stopped(deaf, CONFIG, tmp_path)
    config = changed(images=32, log_every_images=16)
    with pytest.raises(UserError, match="the loss on held-out speakers is not finite"):
        train(run_settings(config), config, clips, deaf[:1], "data", tmp_path / "held out")


def test_a_state_that_is_not_finite_is_not_saved(tmp_path):
    save_state(
        tmp_path, {"images": 8, "model": {"a": torch.ones(2)}, "optimizer": {"state": {0: {"step": torch.ones(())}}}}
    )
    before = states(tmp_path)
    for place in ("model", "average"):
        with pytest.raises(
            UserError, match=rf"after 16 images: {place}\.b is not finite; the state saved before is kept"
        ):
            save_state(tmp_path, {"images": 16, place: {"a": torch.ones(2), "b": torch.tensor([1, np.inf])}})
    assert states(tmp_path) == before
    check_state({"images": 1, "numbers": torch.arange(3), "name": "x"})


def test_the_first_step_is_remembered():
    watch = FiniteWatch.new(["a", "b"], torch.device("cpu"))
    for step, values in enumerate([[1, 2], [1, np.nan], [np.inf, 0], [0, 0]]):
        watch.see(step, torch.tensor(values))
    with pytest.raises(UserError, match=r"stopped: b is not finite in step 2 \(images 9 to 16\)"):
        watch.check(8)


def test_a_log_stays_json(tmp_path):
    append_log(tmp_path / "log.jsonl", {"images": 1, "loss": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_log(tmp_path / "log.jsonl", {"images": 2, "loss": float("nan")})
    assert (tmp_path / "log.jsonl").read_text() == '{"images": 1, "loss": 0.5}\n'


def test_a_sync_encoder_that_is_no_number_stops_too(tmp_path, monkeypatch):
    config = changed_sync(
        images=320, warmup_images=32, log_every_images=32, validation_every_images=320, state_every_images=64
    )
    mouths, real, taken = [speaking_clip(number) for number in range(5)], sync_loop.contrastive_loss, []

    def loss(*given):
        taken.append(1)
        return real(*given) * (np.nan if len(taken) == 4 else 1)

    monkeypatch.setattr(sync_loop, "contrastive_loss", loss)
    with pytest.raises(UserError, match=r"stopped: the loss, the gradient of .* in step 4 \(images 97 to 128\)"):
        run_sync(config, mouths, tmp_path)
    assert list(states(tmp_path)) == ["state-000000000064.pt"]
    assert len((tmp_path / "training.jsonl").read_text().splitlines()) == 3
