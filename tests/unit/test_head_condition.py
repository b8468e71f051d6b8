"""Head motion: measured poses in training, drawn ones in sampling."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from dheads_model.diffusion.head_motion import head_poses
from dheads_model.diffusion.rollout import rollout, stream
from dheads_model.diffusion.settings import UNGUIDED, check_sampling
from dheads_model.errors import UserError
from dheads_model.metrics.signals import pose_curves
from dheads_model.network.head_pose import POSE_NUMBERS, POSE_SPREAD, head_pose, mirrored_pose
from dheads_model.network.talking_model import TalkingModel
from dheads_model.shards.loader import sample_batch
from dheads_model.training.objective import draw_batch
from dheads_model.training.settings import run_settings
from tests.factories.networks import SMALL, settled
from tests.factories.settings import plain_diffusion
from tests.factories.training import CONFIG, noise_clips

MOVES = dataclasses.replace(SMALL, head_condition=True)


def poses(seed: int, amount: float, frames: int) -> np.ndarray:
    return np.array(list(itertools.islice(head_poses(seed, amount), frames)))


def faces(count: int) -> np.ndarray:
    """Landmarks of a face that turns, nods, tilts, comes nearer and is displaced, `[T, 68, 2]`."""
    generator = np.random.default_rng(0)
    face = generator.uniform(0, 100, (68, 2))
    face[[36, 39]], face[[42, 45]], face[30] = (30, 40), (70, 40), (50, 60)
    angles, sizes, places = (
        generator.normal(scale=s, size=n) for s, n in ((0.05, count), (0.05, count), (2, (count, 2)))
    )
    moved = []
    for angle, size, place in zip(angles, sizes, places, strict=True):
        turned = face.copy()
        turned[30] += generator.normal(scale=2, size=2)
        c, s = np.cos(angle), np.sin(angle)
        moved.append((1 + size) * (turned - 50) @ np.array([[c, s], [-s, c]]) + 50 + place)
    return np.stack(moved)


def test_the_motion_is_that_of_real_speakers_and_a_function_of_the_seed():
    drawn = np.stack([poses(seed, 1.0, 320) for seed in range(300)])[:, 200:, :2]
    for frames, measured in ((5, 0.0202), (10, 0.0304), (28, 0.0487)):
        # Root of half the mean squared change of the turn over so many frames, in 417 clips of 11 speakers.
        changes = np.sqrt(((drawn[:, frames:] - drawn[:, :-frames]) ** 2).mean() / 2)
        assert changes == pytest.approx(measured, rel=0.2)
    assert np.array_equal(poses(4, 1.0, 50), poses(4, 1.0, 50)) and not np.array_equal(
        poses(4, 1.0, 50), poses(5, 1.0, 50)
    )
    assert poses(4, 0.5, 50) == pytest.approx(0.5 * poses(4, 1.0, 50))
    assert not poses(4, 1.0, 1).any() and not poses(4, 0.0, 50).any()


def test_a_long_video_stays_near_the_pose_of_the_identity_frame():
    drawn = poses(2, 1.0, 7500)
    assert np.abs(drawn).max() < 0.3
    assert drawn[-2500:].std(axis=0)[:2] == pytest.approx(drawn[:2500].std(axis=0)[:2], rel=0.4)


def test_the_measured_pose_is_the_metric_s():
    landmarks = faces(12)
    curves = pose_curves(landmarks)
    tensor = torch.from_numpy(landmarks).float()
    found = head_pose(tensor, tensor[:1].expand(12, -1, -1)).numpy()
    farthest = 4 * np.array(POSE_SPREAD)
    scale = curves["size"][0]
    for place, name in enumerate(("turn", "nod", "tilt", "size", "x", "y")):
        change = (curves[name] - curves[name][0]) / (scale if name in ("size", "x", "y") else 1)
        assert found[:, place] == pytest.approx(np.clip(change, -farthest[place], farthest[place]), abs=1e-4), name


def test_a_mirrored_frame_has_the_mirrored_pose():
    landmarks = torch.from_numpy(faces(12)).float()
    mirrored = landmarks.clone()
    mirrored[..., 0] = 127 - mirrored[..., 0]
    mirrored[:, [36, 39, 42, 45]] = mirrored[:, [45, 42, 39, 36]]
    first, other = (points[:1].expand(12, -1, -1) for points in (landmarks, mirrored))
    assert torch.allclose(head_pose(mirrored, other), mirrored_pose(head_pose(landmarks, first)), atol=1e-5)


def test_training_mirrors_poses_with_their_frames():
    config = CONFIG | {"network": CONFIG["network"] | {"head_condition": True}}
    run = run_settings(config)
    batch = sample_batch(noise_clips(), 8, 3, 0)
    drawn = [draw_batch(batch, run, 3, step, True, torch.device("cpu")) for step in range(2)]
    plain = draw_batch(batch, run, 3, 0, False, torch.device("cpu"))
    assert plain.conditions.head.shape == (8, POSE_NUMBERS) and plain.conditions.head.abs().max() > 0
    for one in drawn:
        flipped = ~torch.isclose(one.clean, plain.clean).flatten(1).all(dim=1)
        assert 0 < flipped.sum() < 8
        wanted = torch.where(flipped[:, None], mirrored_pose(plain.conditions.head), plain.conditions.head)
        assert torch.equal(one.conditions.head, wanted)
        assert torch.equal(one.rows(slice(2, 4)).conditions.head, wanted[2:4])


def model() -> TalkingModel:
    torch.manual_seed(0)
    return settled(TalkingModel(MOVES, plain_diffusion()))


def test_the_drawn_motion_changes_all_frames_but_the_first_and_a_stream_has_the_same():
    still = dataclasses.replace(UNGUIDED, steps=1, sigma_max=5.0, clips_at_once=1)
    moving = dataclasses.replace(still, head_motion=1.0)
    features = torch.randn(12, 4, 80, generator=torch.Generator().manual_seed(0))
    one, other = (
        rollout(model(), torch.zeros(1, 3, 16, 16), [features], settings, [1])[0] for settings in (still, moving)
    )
    assert np.array_equal(one[0], other[0]) and not np.array_equal(one[1], other[1])
    streamed = np.stack(list(stream(model(), torch.zeros(3, 16, 16), features, moving, 1)))
    assert np.array_equal(streamed, other)


def test_head_motion_of_a_model_that_has_no_such_condition_is_refused():
    moving = dataclasses.replace(UNGUIDED, head_motion=1.0)
    check_sampling(moving, {"network": {"head_condition": True}})
    with pytest.raises(
        UserError, match=r"sampling\.head_motion is 1, but this model is trained without network\.head_condition"
    ):
        check_sampling(moving, {"network": {}})
