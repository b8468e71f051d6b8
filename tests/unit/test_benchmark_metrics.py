"""The benchmark of metrics: what it measures, and what it makes of it; the flow is computed once a clip."""

import cv2
import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.media.video import decode_video
from dheads_model.metrics import smoothness
from dheads_model.metrics.clip_metric import MeasuredClip
from dheads_model.metrics.per_clip.smoothness import METRIC
from dheads_model.metrics.registry import CLIP_METRICS
from tests.factories.shards import pack
from workflow_scripts.benchmarks.metrics import clips_of_length, extrapolated, measured_metrics, to_markdown


def test_every_metric_without_downloaded_weights_is_measured():
    expected = {name for name, metric in CLIP_METRICS.items() if metric.measure and not metric.weights}
    assert expected - set(measured_metrics()) <= {"identity", "published_blinks"}, "whose package may be absent"
    assert "smoothness" in measured_metrics() and "syncnet" not in measured_metrics()


def test_clips_are_brought_to_one_length_and_their_videos_written(tmp_path):
    shard = pack(tmp_path, split="test", lengths={"a_1": 6, "b_1": 8, "c_1": 9})
    clips = clips_of_length([shard], 2, 15, tmp_path)
    assert len(clips) == 2
    for path, true, landmarks, audio in clips:
        assert decode_video(path).shape == true.shape == (15, 32, 32, 3)
        assert landmarks.shape == (15, 68, 2) and audio.shape == (15 * 640,)
    assert (clips[0][1][10] == clips[0][1][0]).all(), "six frames there and back again"
    with pytest.raises(UserError, match="no clip to measure"):
        clips_of_length([], 2, 15, tmp_path)


def test_the_extrapolation_is_processor_time_over_cores():
    rows = [
        {"cores": 1, "clips_per_second": 0.3, "processor_seconds_per_clip": 3.0},
        {"cores": 2, "clips_per_second": 0.5, "processor_seconds_per_clip": 3.6},
    ]
    minutes = extrapolated(rows)
    assert minutes == {"1": 41.0, "2": 24.6}
    page = to_markdown(
        {"clips": 2, "seconds": 2.48, "pixels": 128, "rows": rows, "extrapolated_minutes": minutes,
         "load_average": [0.1, 0.2, 0.3], "processor_seconds_per_clip": {"smoothness": 0.5, "blinks": 0.0}}
    )  # fmt: skip
    assert "| smoothness | 0.500 | 2.0 |" in page and "| blinks | 0.000 | – |" in page
    assert "| 2 | 0.50 | 3.60 | 24.6 |" in page and "0.1, 0.2, 0.3" in page


def test_both_flows_are_made_of_one_computation_and_have_the_same_values(monkeypatch):
    frames = np.random.default_rng(0).integers(0, 255, (5, 64, 64, 3), dtype=np.uint8)
    expected = [
        function(frames)
        for function in (
            smoothness.optical_flow, smoothness.frame_difference, smoothness.published_optical_flow,
            smoothness.published_frame_difference,
        )
    ]  # fmt: skip
    calls = []
    flow = cv2.calcOpticalFlowFarneback
    monkeypatch.setattr(cv2, "calcOpticalFlowFarneback", lambda *given: calls.append(1) or flow(*given))
    clip = MeasuredClip(frames, frames, np.zeros(5 * 640, np.int16), None, np.zeros((5, 68, 2)))
    assert [one.value for one in METRIC.measure(clip)] == expected
    assert len(calls) == 4
