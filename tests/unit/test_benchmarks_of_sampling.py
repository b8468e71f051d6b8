"""The benchmarks of sampling: what they compare is what they say, and a still head never wins."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from dheads_model.diffusion.sampling import sample_frame
from dheads_model.diffusion.sampling_cost import evaluations_of
from dheads_model.errors import UserError
from dheads_model.metrics import liveliness
from dheads_model.network.export import save_export
from dheads_model.tables.steps import to_markdown
from tests.factories.networks import DISCRETE, SMALL, make_conditions, make_model
from tests.factories.settings import plain_diffusion, plain_sampling
from tests.factories.shards import pack
from tests.workflow import call
from workflow_scripts.benchmarks import sample_steps
from workflow_scripts.benchmarks import sampling as benchmark_sampling
from workflow_scripts.benchmarks import steps as benchmark_steps

METHOD = {
    "kind": "model",
    "run": "ours",
    "gpus": 0,
    "sampling": dataclasses.asdict(plain_sampling(sampler="euler", steps=3, guidance_scale=2.0)),
}


@pytest.mark.parametrize("form", ["edm", "ddpm"])
def test_the_published_algorithm_is_the_samplers_with_conditions_encoded_in_every_step(form, monkeypatch):
    model, conditions = make_model(form), make_conditions()
    draws = torch.randn(7, 3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    name = {"edm": "ddim", "ddpm": "ancestral_ddpm"}[form]
    encoded = []
    encode = type(model).encode
    monkeypatch.setattr(model, "encode", lambda *given: encoded.append(1) or encode(model, *given))
    with torch.no_grad():
        expected = sample_frame(model, conditions, plain_sampling(sampler=name, steps=6, eta=1.0), draws.__getitem__)
        assert len(encoded) == 1
        found = benchmark_sampling.published_frame(model, conditions, 6, draws.__getitem__)
    assert len(encoded) == 7
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.fixture
def model(tmp_path):
    config = {"network": SMALL, "diffusion": plain_diffusion(), "conditioning_augmentation": {"audio_drop": 0.1}}
    save_export(tmp_path / "model.safetensors", make_model().state_dict(), config, {"images": 3})
    return tmp_path / "model.safetensors"


def test_speed_is_measured_beside_the_published_algorithm(model, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark_sampling, "PAPER_CREMA", dataclasses.replace(DISCRETE, noise_level_input=False))
    monkeypatch.setattr(benchmark_sampling, "FRAMES", 4)
    monkeypatch.setattr(benchmark_sampling, "PUBLISHED_STEPS", 10)
    before = torch.get_num_threads()
    try:
        call(benchmark_sampling.main, settings=METHOD, model=model, threads=1, output=tmp_path / "sampling.json")
    finally:
        torch.set_num_threads(before)
    result = json.loads((tmp_path / "sampling.json").read_text())
    small, paper = result["networks"]["the run's own"], result["networks"]["the paper's"]
    assert set(small["frames_per_second"]) == {
        "published algorithm", "ours, one video as it streams, one thread", "ours, 4 videos at once",
    }  # fmt: skip
    assert {len(rates) for rates in small["frames_per_second"].values()} == {benchmark_sampling.REPEATS}
    assert small["settings"]["steps"] == 3
    # A frame of the paper's network is the multiple of its passes, and the table says so.
    found = paper["frames_per_second"]
    published = found.pop("published algorithm")
    assert published == pytest.approx([1 / (10 * seconds) for seconds in paper["published_seconds_a_pass"]], abs=1e-4)
    parts = zip(paper["our_seconds_to_encode"], paper["our_seconds_a_pass"], strict=True)
    (ours,) = found.values()
    assert ours == pytest.approx([1 / (once + 10 * step) for once, step in parts], abs=1e-4)
    written = (tmp_path / "sampling.md").read_text()
    assert "| the run's own | published algorithm |" in written
    assert "no frame was made whole" in written
    assert result["machine"]["processor"]


def face(mouth: float, turn: float, open_eyes: bool) -> np.ndarray:
    """Landmarks of a front view: inner lips `mouth` apart, moved by `turn` pixels, eyes open or shut."""
    points = np.zeros((68, 2), np.float32)
    points[36:42] = [(40, 50), (44, 46), (50, 46), (54, 50), (50, 54), (44, 54)]
    points[42:48] = points[36:42] + [34, 0]
    if not open_eyes:
        points[36:48, 1] = 50
    points[30] = (64, 70)
    points[62], points[66] = (64, 90), (64, 90 + mouth)
    return points + np.array([turn, 0])


def test_a_video_is_measured_by_its_landmarks(monkeypatch):
    level = np.abs(np.sin(np.arange(50) / 3))
    sound = (
        (np.repeat(level, 640) * 8000 * np.random.default_rng(0).normal(size=32_000))
        .clip(-32768, 32767)
        .astype(np.int16)
    )
    heard = liveliness.signals.loudness(sound)
    frames = np.random.default_rng(1).integers(0, 255, (50, 128, 128, 3), dtype=np.uint8)
    marks = np.stack([face(10 + 0.1 * h, 3 * np.sin(k / 8), not 20 <= k < 24) for k, h in enumerate(heard)])
    monkeypatch.setattr(liveliness, "detect_in_crops", lambda *given: (marks, np.ones(50, bool)))
    found = liveliness.measure_video(frames, sound, "mediapipe", "")
    assert found["mouth_audio_correlation"] == pytest.approx(1, abs=1e-3)
    assert found["blinks"] == 1
    assert found["head_motion"] > 0.02
    seen = np.arange(50) < 30
    monkeypatch.setattr(liveliness, "detect_in_crops", lambda *given: (marks, seen))
    found = liveliness.measure_video(frames, sound, "mediapipe", "")
    assert [found[name] for name in ("mouth_audio_correlation", "head_motion", "blinks")] == [None] * 3
    assert found["cpbd"] is not None


def row(correlation=0.5, motion=0.05, blinks=0.3):
    cell = {"mean": motion, "sd": 0.01, "n": 3}
    return {
        "passes": 4,
        "clips": {
            "mouth_audio_correlation": {**cell, "mean": correlation}, "head_motion": cell, "cpbd": cell,
            "blinks_per_second": 0.0,
        },
        "long": {"blinks_per_second": blinks, "head_motion": 0.1, "sharpness_kept": 0.9, "drift": {"last": 3.0}},
    }  # fmt: skip


def test_a_still_head_and_eyes_that_never_close_lose_whatever_the_mouth_does():
    reference = row()
    assert liveliness.lost(reference, reference) == ""
    assert liveliness.lost(row(correlation=0.1, motion=0.026, blinks=0.16), reference) == ""
    assert liveliness.lost(row(correlation=0.9, motion=0.024), reference) == "head motion"
    assert liveliness.lost(row(correlation=0.9, blinks=0.14), reference) == "blinks"
    assert liveliness.lost(row(correlation=0.9, motion=0.0, blinks=0.0), reference) == "head motion, blinks"
    assert liveliness.lost(row(motion=None), reference) == "the face"
    written = to_markdown({
        "clips": 3, "clip_frames": 90, "long_frames": 1000, "command": "c", "sampled_on": "a GPU",
        "rows": {"1": row(correlation=0.9, motion=0.01) | {"lost": "head motion"}},
    })  # fmt: skip
    assert "| 1 | 4 | 0.900 ± 0.010 | 0.0100 ± 0.0100 |" in written
    assert "| 3.00 | 0.90 | head motion |" in written


def test_means_are_over_the_clips_that_have_a_value():
    one = {"mouth_audio_correlation": 0.5, "head_motion": 0.1, "cpbd": 0.3, "blinks": 1}
    other = {"mouth_audio_correlation": None, "head_motion": 0.3, "cpbd": 0.5, "blinks": None}
    found = liveliness.clips_row([one, other], [50, 70])
    assert found["mouth_audio_correlation"] == {"mean": 0.5, "sd": None, "n": 1}
    assert found["head_motion"]["mean"] == pytest.approx(0.2)
    assert found["blinks_per_second"] == pytest.approx(25 / 50)
    assert liveliness.clips_row([other | {"head_motion": None}], [70])["head_motion"]["mean"] is None


def test_every_step_count_is_compared_with_the_same_noise_and_sound():
    rows = sample_steps.variants(plain_sampling(sampler="euler", guidance_scale=3.0), "edm")
    assert list(rows) == ["1", "2", "3", "5", "8", "16", "32", "100", "published algorithm, 100"]
    assert {settings.guidance_scale for name, settings in rows.items() if name.isdigit()} == {3.0}
    published = rows["published algorithm, 100"]
    assert (published.sampler, published.eta, published.guidance_scale, published.steps) == ("ddim", 1.0, 1.0, 100)
    discrete = sample_steps.variants(plain_sampling(sampler="ancestral_ddpm"), "ddpm")
    assert "1" not in discrete  # a respaced schedule has at least two
    assert discrete["published algorithm, 100"].sampler == "ancestral_ddpm"
    assert evaluations_of(rows["5"]) == 10
    assert evaluations_of(published) == 100
    assert evaluations_of(plain_sampling(sampler="heun", steps=5)) == 9


def brightness(video, sound, backend, weights_folder):
    """Stands for `measure_video`, in the processes that measure."""
    assert (len(video), len(sound) // 640, video.shape[1]) in {(6, 6, 32), (7, 7, 32), (100, 100, 32)}
    return {
        "cpbd": round(float(video.mean()) / 20),
        "mouth_audio_correlation": 0.1,
        "head_motion": 0.02,
        "blinks": 1,
    }


@pytest.mark.slow
def test_the_steps_of_a_tiny_model(model, tmp_path, monkeypatch):
    shard = pack(tmp_path, split="test", lengths={"a_1": 6, "a_2": 5, "b_1": 7}, speakers="aab")
    monkeypatch.setattr(sample_steps, "STEPS", (2, 3, 10))
    for module in (sample_steps, benchmark_steps):
        monkeypatch.setattr(module, "MOST", 10)
    monkeypatch.setattr(benchmark_steps, "measure_video", brightness)
    real = sample_steps.rollout

    def painted(model, identity, heard, settings, seeds, report):
        made = real(model, identity, heard, settings, seeds, report=report)
        return [np.full_like(video, 20 * settings.steps) for video in made]

    monkeypatch.setattr(sample_steps, "rollout", painted)
    videos = tmp_path / "steps_videos.json"
    sampled = {
        "settings": METHOD, "model": model, "shards": [shard], "seed": 3, "clips": 2, "long_frames": 100,
        "published_audio_encoder": None, "threads": 2, "tar": tmp_path / "steps_videos.tar", "output": videos,
    }  # fmt: skip
    given = {
        "settings": {"backend": "mediapipe"}, "videos": videos, "shards": [shard], "weights_folder": "", "threads": 2,
    }  # fmt: skip
    before = torch.get_num_threads()
    try:
        call(sample_steps.main, **sampled)
    finally:
        torch.set_num_threads(before)
    call(benchmark_steps.main, **given, output=tmp_path / "steps.json")
    result = json.loads((tmp_path / "steps.json").read_text())
    assert list(result["rows"]) == sorted(["ground truth", "2", "3", "10", "published algorithm, 100"])
    assert (result["clips"], result["clip_frames"]) == (2, 13)  # one of each speaker
    for steps in (2, 3, 10):  # each row has its own videos
        assert result["rows"][str(steps)]["clips"]["cpbd"] == {"mean": steps, "sd": 0, "n": 2}
    assert result["sampled_on"] == json.loads(videos.read_text())["device"]
    assert result["rows"]["3"]["long"]["blinks_per_second"] == 0.25
    assert len(result["rows"]["3"]["long"]["drift"]["curve"]) == 2
    assert "| published algorithm, 100 | 10 |" in (tmp_path / "steps.md").read_text()
    empty = pack(tmp_path / "empty", split="test", lengths={"a_1": 6}, damage="a_1")
    with pytest.raises(UserError, match="there is no test clip to measure on"):
        call(sample_steps.main, **sampled | {"shards": [empty]})
    whole = videos.read_text()
    videos.write_text(whole.replace('"b_1"', '"c_1"'))
    with pytest.raises(UserError, match="has videos of other test clips than there are now; delete it"):
        call(benchmark_steps.main, **given, output=tmp_path / "steps.json")
    videos.write_text(whole)
    with open(tmp_path / "steps_videos.tar", "ab") as tar:
        tar.write(b"x")
    with pytest.raises(UserError, match="truncated or altered"):
        call(benchmark_steps.main, **given, output=tmp_path / "steps.json")
