"""The training engine: resume bit for bit, signals, states, schedules, and that it learns."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.fingerprint import closure
from dheads_model.network.export import load_export
from dheads_model.shards.loader import LoadedClip
from dheads_model.training.identity import REPORTING
from dheads_model.training.log import append_log, read_log, rewind_log
from dheads_model.training.loop import train
from dheads_model.training.settings import ema_rate, learning_rate, run_settings
from dheads_model.training.state import (
    begin_state,
    first_history,
    folder_of,
    hold,
    identity_of,
    load_state,
    save_state,
)
from tests.factories.shards import pack
from tests.factories.training import CONFIG, changed, run, without_time
from tests.workflow import ROOT


@pytest.mark.parametrize("form", ["edm", "ddpm"])
def test_an_interrupted_training_ends_bit_for_bit_as_an_uninterrupted_one(clips, tmp_path, monkeypatch, form):
    torch.set_num_threads(1)
    config = CONFIG
    if form == "ddpm":
        config = {**CONFIG, "diffusion": {**CONFIG["diffusion"], "parameterization": "ddpm", "residual_to": "zero"}}
        config = {**config, "network": {**CONFIG["network"], "learned_variance": True}}
    whole = run(config, clips, tmp_path / "whole")
    run(config, clips, tmp_path / "cut", 3, monkeypatch)
    run(config, clips, tmp_path / "cut", 4, monkeypatch)
    resumed = run(config, clips, tmp_path / "cut")
    assert whole.images == resumed.images == 80
    for name, value in whole.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    assert without_time(tmp_path / "whole") == without_time(tmp_path / "cut")


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_weights_do_not_depend_on_the_number_of_cores(clips, tmp_path, dropout):
    config = changed(gradient_accumulation=4)
    config["network"] = {**CONFIG["network"], "dropout": dropout}
    before = torch.get_num_threads()
    try:
        ended = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            ended.append(run(config, clips, tmp_path / str(threads)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for name, value in ended[0].weights.items():
        torch.testing.assert_close(ended[1].weights[name], value, atol=0, rtol=0)


def test_a_finished_training_is_not_trained_again(clips, tmp_path):
    first = run(CONFIG, clips, tmp_path)
    again = run(CONFIG, clips, tmp_path)
    assert all(torch.equal(value, again.weights[name]) for name, value in first.weights.items())
    assert again.last == first.last


def test_the_loss_falls_on_a_task_that_can_be_learnt(clips, tmp_path):
    still = [
        LoadedClip(c.clip, c.speaker, np.repeat(c.frames[:1], len(c.frames), axis=0), c.features, c.landmarks)
        for c in clips
    ]
    config = changed(images=1600, batch_size=16, log_every_images=160, learning_rate=0.004)
    run(config, still, tmp_path)
    losses = [entry["loss"] for entry in read_log(tmp_path / "training.jsonl")]
    assert losses[-1] < 0.75 * losses[0]


def test_another_config_or_data_is_refused(clips, tmp_path):
    run(changed(images=16), clips, tmp_path)
    with pytest.raises(UserError, match="made with another config; move the folder"):
        run(changed(images=16, learning_rate=0.02), clips, tmp_path)
    config = changed(images=16)
    with pytest.raises(UserError, match="made with another data"):
        train(run_settings(config), config, clips, [], "other", tmp_path)


def test_a_damaged_state_falls_back_to_the_one_before(tmp_path, caplog):
    identity = {"config": {}, "data": "x"}
    for images in (10, 20, 30):
        save_state(tmp_path, {"images": images, "identity": identity, "t": torch.ones(3)})
    assert len(list(tmp_path.iterdir())) == 2
    newest = tmp_path / "state-000000000030.pt"
    newest.write_bytes(newest.read_bytes()[:200])
    assert load_state(tmp_path, identity)["images"] == 20
    assert "is damaged" in caplog.text
    assert load_state(tmp_path / "none", identity) is None


def test_a_second_training_of_the_same_state_waits_for_the_first(tmp_path, caplog):
    import threading

    begun, order = threading.Event(), []

    def second():
        begun.set()
        with hold(tmp_path / "s"):
            order.append("second")

    with hold(tmp_path / "s"):
        thread = threading.Thread(target=second)
        thread.start()
        begun.wait()
        time.sleep(0.3)
        order.append("first")
    thread.join(timeout=120)
    assert order == ["first", "second"]
    assert f"process {os.getpid()} trains in" in caplog.text


def test_an_old_state_is_resumed_on_purpose_only_and_with_the_same_network(tmp_path):
    first = identity_of({"network": 1, "diffusion": 1}, "data", "code 1", None)
    second = identity_of({"network": 1, "diffusion": 1}, "data", "code 2", None)
    assert folder_of(tmp_path, first) != folder_of(tmp_path, second)
    old, new = folder_of(tmp_path, first), folder_of(tmp_path, second)
    save_state(old, {"images": 8, "identity": first, "history": first_history(first)})
    (old / "training.jsonl").write_text('{"images": 8}\n')
    assert begin_state(new, second, None) is None
    state = begin_state(new, second, old)
    assert [(turn["from_image"], turn["code"]) for turn in state["history"]] == [(0, "code 1"), (8, "code 2")]
    assert (new / "training.jsonl").read_text() == '{"images": 8}\n'
    with pytest.raises(UserError, match=r"resume_from names .*nothing, which holds no usable training state"):
        begin_state(new, second, tmp_path / "nothing")
    other = identity_of({"network": 2, "diffusion": 1}, "data", "code 2", None)
    with pytest.raises(UserError, match="another block network; a state can only be resumed with the same one"):
        begin_state(folder_of(tmp_path, other), other, old)
    other = identity_of(
        {"network": 1, "diffusion": 1, "training": {"muon_learning_rate": 0.005}}, "data", "code 2", None
    )
    with pytest.raises(
        UserError, match="muon_learning_rate is null; set it so: a state can only be resumed with the same"
    ):
        begin_state(folder_of(tmp_path, other), other, old)


def test_messages_and_logs_are_no_reason_to_train_anew():
    reached = set(closure("dheads_model.training.loop", REPORTING))
    for name in ("training.objective", "diffusion.losses", "network.unet", "shards.loader", "training.micro_batches"):
        assert f"dheads_model.{name}" in reached
    for name in ("training.log", "training.previews", "training.tensorboard", "training.interruption"):
        assert f"dheads_model.{name}" not in reached


def test_a_state_with_code_in_it_is_not_run(tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "boom"),)

    (tmp_path / "state-000000000001.pt").write_bytes(pickle.dumps(Bomb()))
    assert load_state(tmp_path, {}) is None
    assert not (tmp_path / "boom").exists()


def test_the_log_forgets_what_the_resumed_run_writes_again(tmp_path):
    path = tmp_path / "log.jsonl"
    for images in (10, 20, 30):
        append_log(path, {"images": images})
    with open(path, "a") as stream:
        stream.write('{"images": 4')
    rewind_log(path, 20)
    assert read_log(path) == [{"images": 10}, {"images": 20}]


def test_learning_rate_and_average_follow_their_formulas():
    settings = run_settings(changed(images=1016, warmup_images=16, learning_rate=1.0)).training
    assert learning_rate(settings, 8) == pytest.approx(0.5)
    assert learning_rate(settings, 16) == pytest.approx(1.0)
    assert learning_rate(settings, 516) == pytest.approx(0.5)
    assert learning_rate(settings, 1016) == pytest.approx(0.0)
    steps = run_settings(changed(images=1800, warmup_images=0, learning_rate=1.0, decay="step")).training
    assert learning_rate(steps, 99) == 1.0
    assert learning_rate(steps, 1799) == pytest.approx(0.8**17)
    assert ema_rate(settings, 0) == pytest.approx(0.1)
    assert ema_rate(settings, 10**6) == 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, os.EX_TEMPFAIL), (signal.SIGINT, 130)])
def test_a_signal_saves_and_only_that_of_a_scheduler_asks_to_be_tried_again(tmp_path, number, code):
    from dheads_model.shards.index import write_index

    paths = [pack(tmp_path, lengths={"a_1": 9}), pack(tmp_path, shard="00001", split="val", speakers="c")]
    write_index(tmp_path / "index.json", paths)
    config = changed(images=80_000, log_every_images=800)
    command = [
        sys.executable, "-m", "workflow_scripts.train_model", "--settings", json.dumps(config), "--index",
        str(tmp_path / "index.json"), "--state", str(tmp_path / "state"), "--output", str(tmp_path / "model.safetensors"),
        "--training-log", str(tmp_path / "training.jsonl"),
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("state/*/*.pt")):
        assert time.monotonic() < deadline, process.poll()
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code
    assert "stopped by a signal" in errors
    assert not (tmp_path / "model.safetensors").exists()
    command[4] = json.dumps(changed(images=64))
    short = [*command]
    short[8] = str(tmp_path / "other")
    assert subprocess.run(short, cwd=ROOT, capture_output=True).returncode == 0
    model, config, facts = load_export(tmp_path / "model.safetensors")
    assert facts["images"] == 64
    assert config["training"]["images"] == 64
    assert not model.training
