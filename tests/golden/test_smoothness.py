"""Flow and frame difference equal the numbers of the published script, and the corrected ones, on its own frames."""

import json

import numpy as np
import pytest

from dheads_model.metrics import smoothness


@pytest.mark.parametrize("name", ["slow", "fast"])
def test_smoothness_equals_the_recorded_numbers(golden, name):
    recorded = json.loads((golden / "smoothness.json").read_text())["results"][name]
    frames = np.load(golden / f"video_{name}.npz")["frames_bgr"][..., ::-1].copy()
    published, corrected = recorded["published_script"], recorded["corrected"]
    # Flow moves by 1e-7 relative between builds of OpenCV with and without SIMD.
    assert smoothness.published_optical_flow(frames) == pytest.approx(published["flow_mean"], rel=1e-5)
    assert smoothness.published_frame_difference(frames) == pytest.approx(published["mse"], rel=1e-9)
    assert smoothness.optical_flow(frames) == pytest.approx(corrected["flow_magnitude_px_mean"], rel=1e-5)
    assert smoothness.frame_difference(frames) == pytest.approx(corrected["float_mse_mean"], rel=1e-9)
