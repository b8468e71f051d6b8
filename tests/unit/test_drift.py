import numpy as np
import pytest

from dheads_model.metrics.drift import drift_curve


def test_a_still_video_does_not_drift_and_a_moving_one_only_little():
    generator = np.random.default_rng(0)
    picture = generator.integers(40, 200, (16, 16, 3)).astype(np.uint8)
    still = np.repeat(picture[None], 200, axis=0)
    assert drift_curve(still).tolist() == [0, 0, 0, 0]
    noisy = np.clip(still + generator.normal(0, 20, still.shape), 0, 255).astype(np.uint8)
    assert drift_curve(noisy)[1:] == pytest.approx([20 * (2 / 50) ** 0.5] * 3, rel=0.1)


def test_a_colour_that_creeps_in_adds_up():
    frames = np.full((200, 8, 8, 3), 100, np.uint8) + (np.arange(200) // 10)[:, None, None, None].astype(np.uint8)
    assert drift_curve(frames) == pytest.approx([0, 5, 10, 15])
    assert drift_curve(frames[:129]) == pytest.approx([0, 5])  # the rest is no whole window
    assert len(drift_curve(frames, window=20)) == 10


def test_less_than_two_windows_are_refused():
    with pytest.raises(ValueError, match="99 frames are fewer than two windows of 50"):
        drift_curve(np.zeros((99, 8, 8, 3), np.uint8))
