"""Long videos: windows tell a face that stays from one that moves, blurs or becomes another; the commands run to a table."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from dheads_model.diffusion.rollout import clip_seed
from dheads_model.errors import UserError
from dheads_model.media.video import decode_video
from dheads_model.metrics import long_video
from dheads_model.metrics.long_video import departures, measure_window, windows_of
from dheads_model.network.export import save_export
from dheads_model.shards.tar import read_tar
from dheads_model.tables.long_video import draw_long_video, to_markdown
from tests.factories.networks import SMALL, make_model
from tests.factories.settings import plain_diffusion, plain_sampling
from tests.factories.shards import pack
from tests.workflow import call
from workflow_scripts.benchmarks import long_video as benchmark
from workflow_scripts.benchmarks import sample_long

METHOD = {
    "kind": "model",
    "run": "ours",
    "gpus": 0,
    "sampling": dataclasses.asdict(plain_sampling(sampler="euler", steps=1)),
}


def face(shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """Landmarks of a front view `[68, 2]` with eye centres 30 pixels apart, times scale, moved to the right."""
    points = np.full((68, 2), 64.0)
    points[36:42] = [(40, 50), (44, 46), (50, 46), (54, 50), (50, 54), (44, 54)]
    points[42:48] = points[36:42] + [30, 0]
    points[30], points[62], points[66] = (62, 66), (62, 85), (62, 90)
    return (points - 62) * scale + 62 + np.array([shift, 0])


def pictures(count: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (count, 64, 64, 3), dtype=np.uint8)


def detector(marks: np.ndarray, seen: np.ndarray):
    """Stands for `detect_in_crops`: the identity frame has the plain face, the video the given ones."""
    return lambda crops, *given: (
        (face()[None], np.ones(1, bool)) if len(crops) == 1 else (np.where(seen[:, None, None], marks, np.nan), seen)
    )


def measured(monkeypatch, marks, seen=None, embed=None, frames=None):
    frames = pictures() if frames is None else frames
    seen = np.ones(len(frames), bool) if seen is None else seen
    monkeypatch.setattr(long_video, "detect_in_crops", detector(np.broadcast_to(marks, (len(frames), 68, 2)), seen))
    still = np.zeros_like(frames[0]) if frames.shape[1] != 64 else pictures(1)[0]
    return measure_window(frames, still, "mediapipe", "", embed)


def test_a_face_that_moves_grows_or_becomes_another_departs_by_as_much(monkeypatch):
    def same(frame, marks):
        return np.array([1.0, 0.0], np.float32)

    first = measured(monkeypatch, face(), embed=same)
    assert (first["seen"], first["csim"], first["acd"], first["size"]) == (1.0, 1.0, 0.0, 1.0)
    assert first["head_motion"] == pytest.approx(0, abs=1e-9) and first["opening"] == pytest.approx(5 / 30)
    moved = measured(monkeypatch, face(shift=6.0), embed=same)
    grown = measured(monkeypatch, face(scale=1.1), embed=same)
    # The identity frame comes with the plain face, the window's frames with a larger one.
    other = measured(
        monkeypatch, face(scale=1.1), embed=lambda frame, marks: np.array([1.0, float(np.ptp(marks[36:48, 0]) > 45)])
    )
    found = departures([first, moved, grown, other])
    assert found["position"][:2] == pytest.approx([0, 6 / 30])
    assert found["size"] == pytest.approx([0, 0, 0.1, 0.1])
    assert found["identity"] == pytest.approx([0, 0, 0, 1 / np.sqrt(2) - 1])


def test_blur_lowers_the_sharpness_of_a_window(monkeypatch):
    sharp = np.repeat(astronaut()[None, 60:188, 160:288], 10, axis=0)
    blurred = np.stack([blur(frame) for frame in sharp])
    first, last = (measured(monkeypatch, face(), frames=frames) for frames in (sharp, blurred))
    assert departures([first, last])["sharpness"][1] < -0.5


def blur(frame: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(frame, (0, 0), 4)


def test_a_broken_frame_counts_and_a_moving_face_does_not(monkeypatch):
    frames = np.repeat(pictures(1), 60, axis=0)
    frames = np.clip(frames + np.random.default_rng(1).normal(0, 10, frames.shape), 0, 255).astype(np.uint8)
    assert measured(monkeypatch, face(), frames=frames)["outlying"] == 0
    frames[7, 40:] = 255 - frames[7, 40:]
    assert measured(monkeypatch, face(), frames=frames)["outlying"] == pytest.approx(1 / 60)


def test_a_window_without_a_face_has_no_values_of_one(monkeypatch):
    lost = measured(monkeypatch, face(), seen=np.arange(60) < 30)
    assert lost["seen"] == 0.5 and lost["cpbd"] is not None
    assert {lost[name] for name in long_video.BY_LANDMARKS} == {None}
    good = measured(monkeypatch, face())
    assert departures([good, lost])["position"] == [0.0, None]
    monkeypatch.setattr(
        long_video, "detect_in_crops", lambda crops, *given: (np.zeros((len(crops), 68, 2)), np.zeros(len(crops), bool))
    )
    with pytest.raises(UserError, match="no face was found in the identity frame"):
        measure_window(pictures(), pictures(1)[0], "mediapipe", "")


def test_windows_are_whole_ones_and_at_least_two():
    assert [len(part) for part in windows_of(np.zeros((620, 2, 2, 3)))] == [250, 250]
    with pytest.raises(UserError, match="499 frames has fewer than two windows of 250"):
        windows_of(np.zeros((499, 2, 2, 3)))


def window(**changes) -> dict:
    values = {
        "seen": 1.0, "cpbd": 0.2, "colour": 120.0, "outlying": 0.0, "pixels": 9.0,
        "csim": 0.98, "acd": 0.2, "x": 2.0, "y": 2.0, "size": 1.0,
        "tilt": 0.0, "turn": 0.0, "nod": 0.5, "opening": 0.1, "opening_sd": 0.04, "head_motion": 0.03, "blinks": 5,
    }  # fmt: skip
    return values | changes


def result(*last: dict) -> dict:
    videos = {f"c{number}": {"windows": [window(), *[window(**one)] * 7]} for number, one in enumerate(last)}
    return {"seconds": 80, "command": "c", "sampled_on": "a CPU", "videos": videos}


def test_the_table_says_what_was_kept(tmp_path):
    written = to_markdown(result({"cpbd": 0.21}, {"cpbd": 0.15, "x": 2.02}, {"cpbd": 0.2}))
    assert "| identity (cosine of embeddings) | +0.000 [+0.000, +0.000] | +0.000 |" in written
    (sharpness,) = [line for line in written.splitlines() if line.startswith("| sharpness")]
    assert "| -0.067 [" in sharpness and "| -0.250 |" in sharpness and sharpness.endswith("not kept |")
    (position,) = [line for line in written.splitlines() if line.startswith("| position")]
    assert "| +0.020 |" in position and position.endswith("| kept |")
    assert "| blinks/s | 0.50 [0.50, 0.50] |" in written
    without = to_markdown(result({"csim": None}) | {"videos": {"c": {"windows": [window(csim=None)] * 8}}})
    assert "| identity (cosine of embeddings) | - |" in without
    for name in ("a.png", "b.png"):
        draw_long_video(result({"cpbd": 0.21}, {"csim": None}), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def brightness(frames, still, backend, weights_folder, embed):
    """Stands for `measure_window`, in the processes that measure."""
    assert (len(frames), frames.shape[1:], still.shape) == (250, (32, 32, 3), (32, 32, 3))
    return window(colour=float(still.mean()))


def test_the_commands_of_a_tiny_model(tmp_path, monkeypatch):
    shard = pack(tmp_path, split="test", lengths={"a_1": 6, "a_2": 5, "b_1": 7}, speakers="aab")
    config = {"network": SMALL, "diffusion": plain_diffusion(), "conditioning_augmentation": {}}
    save_export(tmp_path / "model.safetensors", make_model().state_dict(), config, {"images": 3})
    monkeypatch.setattr(benchmark, "measure_window", brightness)
    given = []
    real = sample_long.rollout_each

    def watched(model, device, inputs, settings, *rest):
        given.extend((one.frames, one.seed, one.open()[1].shape, settings.clips_at_once) for one in inputs)
        return real(model, device, inputs, settings, *rest)

    monkeypatch.setattr(sample_long, "rollout_each", watched)
    sampled = {
        "settings": METHOD, "model": tmp_path / "model.safetensors", "shards": [shard], "seed": 3, "speakers": 2, "seconds": 20,
        "published_audio_encoder": None, "threads": 2, "tar": tmp_path / "long.tar", "output": tmp_path / "long.json",
    }  # fmt: skip
    before = torch.get_num_threads()
    try:
        call(sample_long.main, **sampled)
        with pytest.raises(UserError, match="--seconds is 19; at least 20 are needed"):
            call(sample_long.main, **sampled | {"seconds": 19})
    finally:
        torch.set_num_threads(before)
    assert given == [(500, clip_seed(3, clip), (500, 4, 80), 1) for clip in ("a_1", "b_1")]
    assert [len(decode_video(data)) for _, data in read_tar(tmp_path / "long.tar")] == [500, 500]
    call(
        benchmark.main, settings={"backend": "mediapipe", "identity": False}, videos=tmp_path / "long.json", shards=[shard],
        weights_folder="", threads=2, output=tmp_path / "long_video.json",
    )  # fmt: skip
    found = json.loads((tmp_path / "long_video.json").read_text())
    assert {clip: len(one["windows"]) for clip, one in found["videos"].items()} == {"a_1": 2, "b_1": 2}
    assert (
        len({one["windows"][0]["colour"] for one in found["videos"].values()}) == 2
    )  # each with its own identity frame
    assert "2 videos of 20 s" in (tmp_path / "long_video.md").read_text()
    assert (tmp_path / "long_video.png").stat().st_size > 1000
