"""Sampling on a GPU, against the same on the CPU. Needs CUDA; skipped without."""

import copy
import dataclasses

import numpy as np
import pytest

from dheads_model.diffusion.rollout import rollout, stream
from dheads_model.network.placement import place_for_sampling
from tests.factories.rollout import SETTINGS, sampling_clips, sampling_model
from tests.gpu import GPU, needs_gpu

pytestmark = needs_gpu


@pytest.fixture(scope="module")
def model():
    return sampling_model()


@pytest.fixture(scope="module")
def clips():
    return sampling_clips()


@pytest.fixture(scope="module")
def videos(model, clips):
    identity, sound, seeds = clips
    return rollout(model, identity, sound, SETTINGS, seeds)


@pytest.fixture(scope="module")
def placed(model):
    return place_for_sampling(copy.deepcopy(model), GPU)


def on_gpu(clips):
    identity, sound, seeds = clips
    return identity.to(GPU), [part.to(GPU) for part in sound], seeds


def test_a_video_is_nearly_that_of_the_cpu(placed, clips, videos):
    identity, sound, seeds = on_gpu(clips)
    for video, wanted in zip(rollout(placed, identity, sound, SETTINGS, seeds), videos, strict=True):
        difference = np.abs(video.astype(float) - wanted)
        assert video.shape == wanted.shape and difference.mean() < 3 and difference[0].mean() < 2


def test_a_video_is_bit_for_bit_the_same_in_any_company_and_as_a_stream(placed, clips):
    identity, sound, seeds = on_gpu(clips)
    together = rollout(placed, identity, sound, SETTINGS, seeds)
    for number in (0, 3):
        alone = rollout(placed, identity[[number]], [sound[number]], SETTINGS, [seeds[number]])
        assert np.array_equal(alone[0], together[number])
        frames = list(stream(placed, identity[number], iter(sound[number]), SETTINGS, seeds[number]))
        assert np.array_equal(np.stack(frames), together[number])


@pytest.mark.parametrize("guidance", [1.0, 1.5])
def test_a_compiled_model_makes_the_same_videos_again_and_again(model, placed, clips, guidance):
    identity, sound, seeds = on_gpu(clips)
    settings = dataclasses.replace(SETTINGS, guidance_scale=guidance)
    wanted = rollout(placed, identity, sound, settings, seeds)
    compiled = place_for_sampling(copy.deepcopy(model), GPU, compiled=True)
    first = rollout(compiled, identity, sound, settings, seeds)
    for video, expected in zip(first, wanted, strict=True):
        assert np.abs(video.astype(float) - expected).mean() < 2
    for video, expected in zip(rollout(compiled, identity, sound, settings, seeds), first, strict=True):
        assert np.array_equal(video, expected)
    frames = list(stream(compiled, identity[0], iter(sound[0]), settings, seeds[0]))
    assert np.array_equal(np.stack(frames), first[0])
