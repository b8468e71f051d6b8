"""CPBD against numbers of its authors' method, computed once by the PyPI package cpbd 1.0.7 on the same pictures."""

import cv2
import numpy as np
import pytest

from dheads_model.media.video import decode_video
from dheads_model.metrics.sharpness import _edge_widths, cpbd, cpbd_drift, video_cpbd
from tests.factories.media import picture
from tests.workflow import ROOT

# Picture: a part of a photograph or a generated one, and how often each pixel becomes the mean of 3 x 3.
PICTURES = {
    "face 128, blurred 0": 0.478612,
    "face 128, blurred 1": 0.103567,
    "face 128, blurred 3": 0.024712,
    "face 256, blurred 0": 0.320961,
    "face 256, blurred 2": 0.043393,
    "waves 128, blurred 0": 0.897389,
    "waves 192, blurred 1": 0.762351,
    "steps 128, blurred 1": 0.330498,
    "pale 128, blurred 1": 0.477901,
}


# The middle frame of clips of GRID (Cooke et al. 2006), its middle 256 x 256 halved.
GRID = {
    "s1/bbbm1s.mpg": 0.401662,
    "s1/bgin3a.mpg": 0.403248,
    "s1/bwaa1s.mpg": 0.422572,
    "s1/lbbk4n.mpg": 0.402075,
    "s1/lgir8n.mpg": 0.397297,
    "s1/lrws1a.mpg": 0.402685,
    "s1/pbav2n.mpg": 0.380531,
    "s1/pgby4n.mpg": 0.397878,
    "s1/priv4n.mpg": 0.399727,
    "s1/pwwy2n.mpg": 0.362534,
    "s1/sgav4n.mpg": 0.37642,
    "s1/srbu6n.mpg": 0.369369,
    "s1/swiu4n.mpg": 0.407754,
}


def middle_crop(path):
    frames = decode_video(path)
    frame = frames[len(frames) // 2]
    top, left = (frame.shape[0] - 256) // 2, (frame.shape[1] - 256) // 2
    return cv2.resize(frame[top : top + 256, left : left + 256], (128, 128), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("name", PICTURES)
def test_sharpness_is_that_of_the_published_method(name):
    assert cpbd(picture(name)) == pytest.approx(PICTURES[name], abs=1e-6)


def test_sharpness_of_real_faces_is_that_of_the_published_method():
    folder = ROOT.parent / "shared" / "real" / "grid"
    if not folder.is_dir():
        pytest.skip(f"real clips are not at {folder}")
    found = np.array([cpbd(middle_crop(folder / name)) for name in GRID])
    published = np.array(list(GRID.values()))
    assert np.corrcoef(found, published)[0, 1] > 0.99
    assert np.abs(found - published).max() < 0.01  # decoders may differ in a pixel's last level


def test_pictures_without_edges_are_refused():
    flat = np.full((128, 128, 3), 80, np.uint8)
    assert cpbd(flat) is None
    assert cpbd(picture("face 128, blurred 0")[:63]) is None, "smaller than a block"
    assert cpbd(picture("steps 128, blurred 0")) is None, "two equal rows of gradient have no ridge; the package says 0"
    assert video_cpbd(np.stack([flat, flat])) is None
    sharp = picture("face 128, blurred 0")
    assert video_cpbd(np.stack([flat, sharp])) == cpbd(sharp)


def test_drift_is_the_last_window_minus_the_first():
    assert cpbd_drift([0.5, 0.3, 0.9, 0.1, 0.2], 2) == pytest.approx(0.15 - 0.4)
    assert cpbd_drift([0.5, None, 0.9, 0.1, None], 2) == pytest.approx(0.1 - 0.5)
    assert cpbd_drift([None, None, 0.9, 0.1], 2) is None, "no edge in the first window"
    assert cpbd_drift([0.5, 0.3, 0.9], 2) is None, "shorter than two windows"


def test_width_of_an_edge_is_its_ramp():
    ramp = np.concatenate([np.full(60, 20), np.linspace(20, 200, 9)[1:-1], np.full(61, 200)])
    grey = np.tile(ramp, (128, 1))
    everywhere = np.ones(grey.shape, bool)
    for picture_of_ramp in (grey, grey[:, ::-1]):
        assert _edge_widths(picture_of_ramp, everywhere)[5, 63] == 8
    assert _edge_widths(grey.T, everywhere)[64, 63] == 2, "an edge along the row has no ramp in it"
