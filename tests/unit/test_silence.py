"""The mouth in silence, by hand."""

import numpy as np
import pytest

from dheads_model.metrics.silence import SILENCE_METRICS, measure_silence, silent_frames

# Six silent frames, ten loud ones with a short gap, five silent ones.
LEVEL = np.array([-60.0] * 6 + [-10.0] * 4 + [-60.0] * 3 + [-10.0] * 3 + [-50.0] * 5)


def test_silence_is_long_and_does_not_touch_speech():
    assert [run.tolist() for run in silent_frames(LEVEL)] == [[0, 1, 2, 3, 4], [17, 18, 19, 20]]
    assert silent_frames(np.full(30, -20.0)) == []
    assert silent_frames(np.array([-10.0] * 20 + [-39.0] * 9)) == []


def test_motion_and_opening_by_hand():
    opening = np.full(21, 0.5)
    opening[:5] = [0.1, 0.2, 0.1, 0.2, 0.1]
    opening[17:] = [0.1, 0.1, 0.3, 0.3]
    motion, opened = measure_silence(opening, LEVEL)
    assert motion.value == pytest.approx(25 * (4 * 0.1 + 0.2) / 7)
    assert opened.value == pytest.approx((0.7 + 0.8) / 9)


def test_speech_is_not_looked_at_and_a_still_mouth_has_no_motion():
    opening = np.full(21, 0.2)
    opening[5:17] = np.random.default_rng(0).uniform(0, 1, 12)
    assert [one.value for one in measure_silence(opening, LEVEL)] == pytest.approx([0, 0.2])


def test_without_silence_there_is_no_value():
    found = measure_silence(np.zeros(20), np.full(20, -10.0))
    assert [(one.metric, one.value, one.reason) for one in found] == [
        (name, None, "no silence of 5 frames") for name in SILENCE_METRICS
    ]
