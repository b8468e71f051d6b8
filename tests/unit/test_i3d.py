"""Clips for FVD: which frames, and what the TorchScript is given."""

import numpy as np
import pytest
import torch

from dheads_model.errors import UserError
from dheads_model.metrics.distribution import frechet_distance, moments
from dheads_model.metrics.networks.i3d import (
    LEAST_FRAMES,
    WEIGHTS_NAME,
    open_i3d_script,
    prepare,
    script_features,
    window_frames,
)
from dheads_model.weights import missing_reason, read_weights_table
from tests.workflow import ROOT


def test_one_window_lies_in_the_middle_and_several_reach_both_ends():
    assert window_frames(29, 16, 1).tolist() == [list(range(6, 22))]
    several = window_frames(75, 10, 3, 3)
    assert several[:, 0].tolist() == [0, 24, 47] and several[-1, -1] == 74
    assert window_frames(16, 16, 1, 1)[0, -1] == 15


def test_clips_too_short_are_refused_rather_than_shortened():
    with pytest.raises(UserError, match="16 frames 2 apart, that is 31, and the clip has 29"):
        window_frames(29, 16, 2)
    with pytest.raises(UserError, match=f"at least {LEAST_FRAMES} frames"):
        window_frames(29, 8, 1)


def test_the_script_gets_whole_clips_of_0_to_255():
    asked = []

    def script(clips, rescale, resize, return_features):
        asked.append((tuple(clips.shape), float(clips.max()), rescale, resize, return_features))
        return clips.mean(dim=(1, 2, 3, 4))[:, None].expand(-1, 400)

    clips = np.stack([np.full((9, 6, 8, 3), value, dtype=np.uint8) for value in (255, 10, 20)])
    features = script_features(script, clips)
    assert features.shape == (3, 400) and features[:, 0].tolist() == [255, 10, 20]
    assert asked[0] == ((2, 3, 9, 6, 8), 255, True, True, True)


def test_own_network_gets_minus_one_to_one():
    ready = prepare(np.stack([np.zeros((9, 6, 8, 3), np.uint8), np.full((9, 6, 8, 3), 255, np.uint8)]))
    assert ready.shape == (2, 3, 9, 224, 224)
    assert torch.allclose(ready[0], -torch.ones_like(ready[0])) and torch.allclose(ready[1], torch.ones_like(ready[1]))


def test_published_fvd_of_black_against_white():
    """JunyaoHu/common_metrics_on_video_quality: 8 videos of 30 frames of 64 pixels, 151.256; TensorFlow gives 151.392."""
    weights = read_weights_table(ROOT / "config/weights.tsv")[WEIGHTS_NAME]
    if reason := missing_reason(ROOT / "resources/weights", weights):
        pytest.skip(reason)
    script = open_i3d_script(ROOT / "resources/weights", weights)
    clips = [np.full((8, 30, 64, 64, 3), value, dtype=np.uint8) for value in (0, 255)]
    distance = frechet_distance(*(moments(script_features(script, side)) for side in clips))
    assert distance == pytest.approx(151.3, abs=0.3)
