"""Distances between sets of clips: closed forms, independent implementations, and what is refused."""

import dataclasses

import numpy as np
import pytest
import scipy.linalg
import torch

from dheads_model.errors import UserError
from dheads_model.metrics.distribution import (
    FeatureSet,
    Moments,
    frechet_distance,
    kernel_distance,
    measure_frechet,
    measure_frechet_infinite,
    measure_kernel,
    moments,
    stack_clips,
)
from dheads_model.metrics.sampled_frames import frames_to_take
from tests.oracles import oracle


def gaussian(mean, covariance) -> Moments:
    return Moments(10**6, np.asarray(mean, float), np.asarray(covariance, float), 1)


def clips(generator, count, features, shift=0.0, frames=1) -> FeatureSet:
    return stack_clips([generator.normal(size=(frames, features)) + shift for _ in range(count)])


def test_closed_forms_of_gaussians():
    zeros, identity = np.zeros(64), np.eye(64)
    assert frechet_distance(gaussian(zeros, identity), gaussian(zeros + 1, identity)) == pytest.approx(64)
    assert frechet_distance(gaussian(zeros, identity), gaussian(zeros, 9 * identity)) == pytest.approx(64 * 4)
    a, b = np.linspace(0, 3, 64), np.linspace(5, 1, 64)
    expected = np.square(np.sqrt(a) - np.sqrt(b)).sum()
    assert frechet_distance(gaussian(zeros, np.diag(a)), gaussian(zeros, np.diag(b))) == pytest.approx(expected)


@pytest.mark.parametrize(("rows", "features"), [(300, 24), (20, 24)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_agrees_with_the_matrix_square_root(rows, features, ddof):
    generator = np.random.default_rng(3)
    mix = generator.normal(size=(features, features))
    first, second = generator.normal(size=(rows, features)) @ mix, generator.normal(size=(rows + 7, features)) + 0.3
    covariances = [np.cov(side, rowvar=False, ddof=ddof) for side in (first, second)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.square(first.mean(0) - second.mean(0)).sum() + np.trace(sum(covariances)) - 2 * np.trace(root)
    assert frechet_distance(moments(first, ddof), moments(second, ddof)) == pytest.approx(expected, rel=1e-5)


def test_distance_is_symmetric_zero_to_itself_and_blind_to_rotation():
    generator = np.random.default_rng(4)
    first, second = generator.normal(size=(80, 12)), generator.normal(size=(90, 12)) * 2 + 1
    turned, _ = np.linalg.qr(generator.normal(size=(12, 12)))
    there = frechet_distance(moments(first), moments(second))
    assert frechet_distance(moments(second), moments(first)) == pytest.approx(there)
    assert frechet_distance(moments(first @ turned), moments(second @ turned)) == pytest.approx(there)
    assert frechet_distance(moments(first), moments(first)) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_of_two_points():
    first, second = np.zeros((6, 4)), np.zeros((5, 4))
    second[:, 0] = 3
    assert kernel_distance(first, second) == pytest.approx(33.328125, abs=1e-12)


def test_kernel_distance_has_no_bias():
    generator = np.random.default_rng(5)
    values = [kernel_distance(*(generator.normal(size=(8, 3)) for _ in range(2))) for _ in range(2000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0


def test_agrees_with_torch_fidelity():
    fid, kid = oracle("torch_fidelity.metric_fid"), oracle("torch_fidelity.metric_kid")
    generator = np.random.default_rng(6)
    first, second = generator.normal(size=(150, 40)), generator.normal(size=(130, 40)) * 1.5 + 0.2
    statistics = [{"mu": side.mean(0), "sigma": np.cov(side, rowvar=False)} for side in (first, second)]
    theirs = fid.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(moments(first), moments(second)) == pytest.approx(theirs, rel=1e-6)
    tensors = [torch.from_numpy(side[:100]) for side in (first, second)]
    theirs = kid.kid_features_to_metric(*tensors, kid_subsets=1, kid_subset_size=100, verbose=False)
    ours = kernel_distance(first[:100], second[:100])
    assert ours == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


def test_value_is_that_of_all_frames_and_the_counts_stand_beside_it():
    generator = np.random.default_rng(7)
    real, made = clips(generator, 60, 8, frames=3), clips(generator, 50, 8, 0.5, frames=2)
    found = measure_frechet("frechet_x", real, made)
    assert found.value == pytest.approx(frechet_distance(moments(real.values), moments(made.values)))
    assert (found.clips, found.frames, found.subsets, found.subset_clips) == ((60, 50), (180, 100), 10, 5)
    assert found.spread > 0 and found.note == ""


def test_too_few_frames_for_the_rank_are_said():
    generator = np.random.default_rng(8)
    found = measure_frechet("frechet_x", clips(generator, 20, 30), clips(generator, 40, 30))
    assert found.value > 0 and found.note.startswith("20 frames are too few for a covariance of 30 features")
    infinite = measure_frechet_infinite("frechet_x", clips(generator, 50, 30), clips(generator, 40, 30))
    assert infinite.value is None and "half of 40 clips give 20 frames" in infinite.reason


def test_extrapolation_takes_the_bias_away():
    plain, infinite = [], []
    for seed in range(8):
        generator = np.random.default_rng(seed)
        real, made = clips(generator, 200, 32), clips(generator, 200, 32, 0.2)
        plain.append(measure_frechet("x", real, made, subsets=1).value)
        infinite.append(measure_frechet_infinite("x", real, made, seed=seed).value)
    true = 32 * 0.2**2
    assert np.mean(plain) > 2 * true
    assert abs(np.mean(infinite) - true) < 0.25 * true


def test_extrapolation_of_a_line_is_its_end(monkeypatch):
    from dheads_model.metrics import distribution

    monkeypatch.setattr(distribution, "frechet_distance", lambda first, second: 7 + 30 / first.n)
    generator = np.random.default_rng(9)
    found = measure_frechet_infinite("x", clips(generator, 40, 2), clips(generator, 40, 2))
    assert found.value == pytest.approx(7) and found.spread == pytest.approx(0, abs=1e-6)


def test_kernel_draws_are_of_clips_and_repeatable():
    generator = np.random.default_rng(10)
    real, made = clips(generator, 30, 5, frames=4), clips(generator, 30, 5, 0.7, frames=4)
    found = measure_kernel("kernel_x", real, made, subset_clips=20, subsets=5, seed=2)
    assert found == measure_kernel("kernel_x", real, made, subset_clips=20, subsets=5, seed=2)
    assert found.value != measure_kernel("kernel_x", real, made, subset_clips=20, subsets=5, seed=3).value
    assert (found.subsets, found.subset_clips, found.clips) == (5, 20, (30, 30))
    refused = measure_kernel("kernel_x", real, made, subset_clips=31)
    assert (refused.value, refused.reason) == (None, "30 real clips, which must be at least 31")


def test_a_long_clip_counts_no_more_than_a_short_one():
    """Copies of one clip's frames change nothing: a draw takes one frame of each clip."""
    generator = np.random.default_rng(11)
    rows = [generator.normal(size=(1, 5)) for _ in range(10)]
    real, longer = stack_clips(rows), stack_clips([np.repeat(rows[0], 50, axis=0), *rows[1:]])
    made = clips(generator, 10, 5, 1.0)
    values = [measure_kernel("x", side, made, subset_clips=10, subsets=1).value for side in (real, longer)]
    assert values[0] == pytest.approx(values[1])


@pytest.mark.parametrize("measure", [measure_frechet, measure_frechet_infinite])
def test_one_clip_is_refused(measure):
    generator = np.random.default_rng(12)
    found = measure("x", clips(generator, 1, 4, frames=9), clips(generator, 5, 4))
    assert (found.value, found.status, found.reason) == (None, "undefined", "1 real clips, which must be at least 2")


def test_features_that_are_not_numbers_are_refused():
    generator = np.random.default_rng(13)
    real, made = clips(generator, 9, 4), clips(generator, 9, 4)
    broken = dataclasses.replace(made, values=np.full_like(made.values, np.nan))
    assert "generated frames that are not finite" in measure_frechet("x", real, broken).reason


def test_what_cannot_be_compared_is_an_error():
    generator = np.random.default_rng(14)
    values = generator.normal(size=(9, 4))
    with pytest.raises(UserError, match="ddof 1 and 0"):
        frechet_distance(moments(values, 1), moments(values, 0))
    with pytest.raises(UserError, match="with one network"):
        measure_frechet("x", clips(generator, 9, 4), clips(generator, 9, 5))
    with pytest.raises(UserError, match="at least 2 rows"):
        moments(values[:1])
    with pytest.raises(UserError, match="at least one clip"):
        stack_clips([])


@pytest.mark.parametrize(("frames", "wanted"), [(29, 16), (16, 16), (5, 16), (100, 3), (75, 1)])
def test_frames_are_spread_over_the_clip(frames, wanted):
    taken = frames_to_take(frames, wanted)
    assert len(taken) == min(frames, wanted) == len(set(taken.tolist()))
    assert taken.min() >= 0 and taken.max() < frames
    assert abs(taken.mean() - (frames - 1) / 2) <= 0.5
