"""Blinks by dlib's predictor: the tool's rule for lost faces, refusals, and real faces where the extra is installed."""

from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from dheads_model.errors import UserError
from dheads_model.faces import dlib_packages
from dheads_model.metrics.published_blinks import ENLARGED, measure_published_blinks, published_eye_ratio
from tests.factories.faces import landmarks


def stand_in(shut=(), lost=()):
    """(find_box, find_points) of videos whose frames are as bright as their number; eyes shut or face lost in some."""

    def find_box(frame):
        assert frame.shape == (ENLARGED * 16, ENLARGED * 16, 3)
        return None if frame[0, 0, 0] in lost else "box"

    def find_points(frame, box):
        assert box == "box"
        points = landmarks(1)[0]
        if frame[0, 0, 0] in shut:
            points[36:48, 1] = 50
        return points

    return find_box, find_points


def video(count=75):
    return np.repeat(np.arange(count, dtype=np.uint8), 16 * 16 * 3).reshape(count, 16, 16, 3)


def test_blinks_are_counted_per_second():
    rate, duration = measure_published_blinks(video(), *stand_in(shut=(20, 21, 22, 50, 51)))
    assert rate.value == pytest.approx(2 / 3)
    assert duration.value > 0
    rate, duration = measure_published_blinks(video(), *stand_in())
    assert (rate.value, duration.value, duration.reason) == (0, None, "no blink")


def test_a_lost_face_is_looked_for_where_it_was():
    ratio = published_eye_ratio(video(6), *stand_in(shut=(4,), lost=(0, 3, 4)))
    assert ratio == pytest.approx([0, 0.6, 0.6, 0.6, 0, 0.6])


def test_without_any_face_nothing_is_counted():
    found = measure_published_blinks(video(10), *stand_in(lost=range(10)))
    assert [one.reason for one in found] == ["dlib finds no face"] * 2


def test_missing_packages_are_told_before_any_job(monkeypatch):
    monkeypatch.setattr(dlib_packages, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"published_blinks is true, but dlib is not installed: run pip install"):
        dlib_packages.check_dlib("published_blinks", "published-blinks")


@pytest.mark.skipif(
    not (find_spec("dlib") and find_spec("face_recognition_models")),
    reason="the packages of the extra published-blinks are not installed",
)
def test_dlib_sees_open_eyes_of_a_real_face():
    from dheads_model.faces.dlib_predictor import open_dlib

    crop = cv2.resize(astronaut()[0:220, 120:340], (128, 128), interpolation=cv2.INTER_AREA)
    ratio = published_eye_ratio(np.stack([crop, crop]), *open_dlib())
    assert ratio == pytest.approx([ratio[0]] * 2)
    assert 0.2 < ratio[0] < 0.45
