"""Soft-DTW against all paths by hand, and the landmark distance along its alignment."""

import numpy as np
import pytest

from dheads_model.metrics.landmark_distance import aligned_mouth_distance, mouth_distance
from dheads_model.metrics.soft_dtw import soft_dtw


def paths(rows, columns, at=(0, 0)):
    """All paths from a cell to the last one."""
    if at == (rows - 1, columns - 1):
        yield [at]
    for step in ((1, 0), (0, 1), (1, 1)):
        cell = (at[0] + step[0], at[1] + step[1])
        if cell[0] < rows and cell[1] < columns:
            yield from ([at, *rest] for rest in paths(rows, columns, cell))


@pytest.mark.parametrize("gamma", [0.05, 1.0, 7.0])
@pytest.mark.parametrize(("shape", "count"), [((1, 1), 1), ((2, 2), 3), ((3, 4), 25), ((4, 4), 63)])
def test_value_and_alignment_are_those_of_all_paths(shape, count, gamma):
    costs = np.random.default_rng(1).uniform(0, 2, shape)
    every = list(paths(*shape))
    assert len(every) == count
    weights = np.array([np.exp(-sum(costs[cell] for cell in path) / gamma) for path in every])
    expected = np.zeros(shape)
    for path, weight in zip(every, weights / weights.sum(), strict=True):
        for cell in path:
            expected[cell] += weight
    value, visited = soft_dtw(costs, gamma)
    assert value == pytest.approx(-gamma * np.log(weights.sum()))
    assert visited == pytest.approx(expected)


def test_a_hard_minimum_is_plain_time_warping():
    first, second = np.array([0, 0, 1, 3, 1.0]), np.array([0, 1, 3, 3, 1.0])
    value, visited = soft_dtw(np.abs(first[:, None] - second[None]), 1e-3)
    assert value == pytest.approx(0, abs=1e-2)
    assert visited.sum() == pytest.approx(6) and visited[3, 2] == visited[3, 3] == pytest.approx(1)


def test_the_band_is_kept():
    visited = soft_dtw(np.zeros((9, 9)), 1.0, band=2)[1]
    far = np.abs(np.subtract.outer(np.arange(9), np.arange(9))) > 2
    assert not visited[far].any() and visited[~far].all()
    assert np.array_equal(soft_dtw(np.ones((3, 3)), 1.0, band=0)[1], np.eye(3))


@pytest.mark.parametrize(("shape", "gamma", "band"), [((0, 3), 1.0, None), ((2, 2), 0.0, None), ((2, 5), 1.0, 2)])
def test_what_has_no_value(shape, gamma, band):
    with pytest.raises(ValueError, match="not defined"):
        soft_dtw(np.zeros(shape), gamma, band)


def talking(frames=60):
    """Landmarks of a mouth whose lower lip moves."""
    points = np.random.default_rng(2).uniform(0, 128, (68, 2))
    result = np.repeat(points[None], frames, axis=0)
    result[:, 54:60, 1] += 8 * np.sin(np.arange(frames) / 2.0)[:, None] + np.linspace(0, 9, frames)[:, None]
    return result


def test_a_late_mouth_is_forgiven_and_a_wrong_one_is_not():
    truth = talking()
    late = np.concatenate([truth[:1].repeat(3, axis=0), truth[:-3]])
    assert aligned_mouth_distance(truth, truth, 128) < 0.02
    assert mouth_distance(late, truth) > 1
    assert aligned_mouth_distance(late, truth, 128) < 0.2 * mouth_distance(late, truth)
    frozen = truth[:1].repeat(60, axis=0)
    assert aligned_mouth_distance(frozen, truth, 128) > 0.7 * mouth_distance(frozen, truth)
    assert aligned_mouth_distance(truth[::-1], truth, 128) > 3 * aligned_mouth_distance(late, truth, 128)


def test_the_unit_is_the_pixel():
    truth = talking()
    late = np.roll(truth, 3, axis=0)
    assert aligned_mouth_distance(2 * late, 2 * truth, 256) == pytest.approx(
        2 * aligned_mouth_distance(late, truth, 128)
    )
