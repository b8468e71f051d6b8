"""SyncNet's figures by the published rule: the sign, what padding does, and refusals; MFCC as published."""

import numpy as np
import pytest

from dheads_model.metrics.published_sync import (
    PUBLISHED_SYNC,
    measure_published_sync,
    mfcc,
    refuse_published_sync,
    shift_distances,
    sync_of,
    window_count,
)


def embeddings(count=80, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 32)).astype(np.float32)


def late(values, frames):
    """Sound that comes so many frames later: window i holds what window i - frames held; strange sound fills up."""
    other = embeddings(len(values), seed=1)
    result = np.roll(values, frames, axis=0)
    if frames > 0:
        result[:frames] = other[:frames]
    elif frames < 0:
        result[frames:] = other[frames:]
    return result


@pytest.mark.parametrize("shift", [-3, 0, 2, 5, -14])
def test_late_sound_is_a_negative_offset(shift):
    lips = embeddings()
    found = {one.metric: one.value for one in measure_published_sync(lips, late(lips, shift))}
    assert found["av_offset"] == found["av_offset_valid"] == -shift
    assert found["lse_d_valid"] == pytest.approx(0, abs=1e-4)
    assert found["av_confidence"] > 3 and found["av_confidence_valid"] > 5


def test_figures_by_hand():
    """One window, zeros around it: every other shift is the length of the lips' embedding."""
    lips, sound = np.array([[3.0, 4.0]]), np.array([[3.0, 3.0]])
    distances = shift_distances(lips, sound, farthest=2)
    assert distances == pytest.approx([5, 5, 1, 5, 5], abs=1e-5)
    assert sync_of(distances) == pytest.approx((0, 4, 1), abs=1e-5)


def test_distances_are_those_of_syncnet_python():
    """Numbers of syncnet-python 0.2.3 for these embeddings at 31 shifts, the first four and the last."""
    generator = np.random.default_rng(0)
    lips, sound = generator.normal(size=(24, 32)), generator.normal(size=(24, 32))
    distances = shift_distances(lips, sound)
    assert len(distances) == 31
    assert distances[[0, 1, 2, 3, 30]] == pytest.approx([6.558579, 6.469053, 6.666558, 6.61729, 6.455254], abs=1e-6)


def test_padding_draws_short_clips_to_the_edge_and_valid_pairs_do_not():
    """24 windows of sound that agree with nothing: zeros are nearer than strange sound, so the farthest shift wins."""
    lips, sound = embeddings(24, 2), embeddings(24, 3)
    padded = measure_published_sync(lips, sound)
    assert padded[0].value is None and padded[0].reason == "the best of 31 shifts is at their edge"
    assert padded[3].metric == "av_offset_saturated" and padded[3].value == 1
    assert np.abs(shift_distances(lips, sound).argmin() - 15) == 15
    valid = shift_distances(lips, sound, 12, padded=False)
    assert valid.min() > 0.85 * valid.max()


def test_valid_pairs_are_within_the_clip():
    lips = np.array([[1.0], [2.0], [4.0]])
    distances = shift_distances(lips, lips, farthest=3, padded=False)
    assert distances == pytest.approx([np.inf, 3, 1.5, 0, 1.5, 3, np.inf], abs=1e-5)


def test_clips_too_short_are_refused():
    assert measure_published_sync(np.zeros((0, 4)), np.zeros((0, 4))) == refuse_published_sync("fewer than 6 frames")
    one = measure_published_sync(embeddings(1), embeddings(1))
    assert [each.metric for each in one] == list(PUBLISHED_SYNC)
    assert {each.reason for each in one[4:]} == {"too few windows for a shift within the clip"}


@pytest.mark.parametrize(
    ("frames", "samples", "windows"), [(29, 29 * 640, 24), (29, 18000, 23), (5, 99999, 0), (75, 48000, 70)]
)
def test_number_of_windows(frames, samples, windows):
    assert window_count(frames, samples) == windows


def test_mfcc_is_the_published_one():
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)).astype(np.int16)
    found = mfcc(tone)
    assert found.shape == (99, 13) and len(mfcc(np.tile(tone, 3))) == 299
    published = [19.0611, 18.8110, 1.7092, -14.1889, -27.1835, -33.5415, -29.6671]
    published += [-18.5555, -3.2934, 10.0585, 18.0196, 17.9776, 11.9454]
    assert found[0] == pytest.approx(published, abs=2e-3)
