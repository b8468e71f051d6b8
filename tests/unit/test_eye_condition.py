"""Blinks: measured closures in training, drawn ones in sampling."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from dheads_model.diffusion.blinks import PROFILE, SHORTEST_PAUSE, eye_closures
from dheads_model.diffusion.conditions import Conditions, with_dropped_conditions
from dheads_model.diffusion.rollout import rollout, stream
from dheads_model.diffusion.settings import UNGUIDED, check_sampling
from dheads_model.errors import UserError
from dheads_model.network.eyes import eye_closure
from dheads_model.network.talking_model import TalkingModel
from tests.factories.networks import SMALL, settled
from tests.factories.settings import plain_diffusion

SEES_EYES = dataclasses.replace(SMALL, eye_condition=True)


def closures(seed: int, rate: float, frames: int) -> list[float]:
    return list(itertools.islice(eye_closures(seed, rate), frames))


@pytest.mark.parametrize("rate", [0.1, 0.35, 1.0])
def test_blinks_have_the_rate_that_is_set(rate):
    seconds = 4000
    counts = [closures(seed, rate, 25 * seconds).count(max(PROFILE)) for seed in range(3)]
    assert np.mean(counts) / seconds == pytest.approx(rate, rel=0.05)


def test_blinks_are_whole_apart_and_a_function_of_the_seed():
    drawn = closures(4, 0.5, 5000)
    starts = [i for i, closure in enumerate(drawn) if closure == PROFILE[0]]
    assert all(tuple(drawn[start : start + len(PROFILE)]) == PROFILE for start in starts[:-1])
    assert np.diff(starts).min() >= SHORTEST_PAUSE + len(PROFILE)
    assert drawn == closures(4, 0.5, 5000) != closures(5, 0.5, 5000)
    assert not any(closures(4, 0, 500))


def test_closure_is_measured_against_the_identity_frame():
    eye = torch.tensor([[0, 0], [1, -1], [2, -1], [3, 0], [2, 1], [1, 1]], dtype=torch.float32)
    landmarks = torch.zeros(3, 68, 2)
    for row, height in enumerate((1.0, 0.25, 2.0)):
        for points in (slice(36, 42), slice(42, 48)):
            landmarks[row, points] = eye * torch.tensor([1.0, height])
    found = eye_closure(landmarks, landmarks[:1].expand(3, -1, -1))[:, 0]
    assert found.tolist() == pytest.approx([0.0, 0.75, -0.5])


def model() -> TalkingModel:
    torch.manual_seed(0)
    return settled(TalkingModel(SEES_EYES, plain_diffusion()))


def video(settings, seed=1, frames=60) -> np.ndarray:
    generator = torch.Generator().manual_seed(0)
    identity, features = torch.zeros(1, 3, 16, 16), torch.randn(frames, 4, 80, generator=generator)
    return rollout(model(), identity, [features], settings, [seed])[0]


@pytest.mark.parametrize("guidance_scale", [1.0, 3.0])
def test_eyes_change_frames_from_the_first_blink_on_and_a_stream_has_the_same(guidance_scale):
    still = dataclasses.replace(UNGUIDED, steps=1, sigma_max=5.0, clips_at_once=1, guidance_scale=guidance_scale)
    blinking = dataclasses.replace(still, blinks_per_second=0.9)
    first = next(i for i, closure in enumerate(closures(1, 0.9, 60)) if closure)
    one, other = video(still), video(blinking)
    assert np.array_equal(one[:first], other[:first]) and not np.array_equal(one[first], other[first])
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(60, 4, 80, generator=generator)
    streamed = np.stack(list(stream(model(), torch.zeros(3, 16, 16), features, blinking, 1)))
    assert np.array_equal(streamed, other)


def test_guidance_extrapolates_from_half_closed_to_closed_eyes():
    """From open ones lids become too bright, docs/experiments.md."""
    eyes = torch.tensor([[0.0], [0.8]])
    frames = torch.zeros(2, 3, 16, 16)
    conditions = Conditions(frames, torch.zeros(2, 2, 16, 16), torch.zeros(2, 5, 4, 80), eyes=eyes)
    both = with_dropped_conditions(conditions)
    assert both.eyes.squeeze().tolist() == pytest.approx([0.0, 0.8, 0.0, 0.4])
    assert both.audio_drop.tolist() == [False, False, True, True]


def test_blinks_of_a_model_that_cannot_close_its_eyes_are_refused():
    blinking = dataclasses.replace(UNGUIDED, blinks_per_second=0.3)
    check_sampling(blinking, {"network": {"eye_condition": True}})
    with pytest.raises(UserError, match="cannot close the eyes"):
        check_sampling(blinking, {"network": {}})
