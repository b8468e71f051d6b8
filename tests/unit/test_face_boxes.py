"""The boxes of a network on real faces, and the framings that they fit."""

import json
import re

import numpy as np
import pytest

from dheads_model.errors import UserError
from dheads_model.faces.align import AlignSettings, align_track, apply
from dheads_model.faces.crop import CropSettings, chain, framing
from dheads_model.faces.detect import open_detector
from dheads_model.faces.landmarks import LEFT_EYE, MOUTH, RIGHT_EYE
from dheads_model.media.video import open_video
from dheads_model.network.face_boxes import check_face_boxes
from dheads_model.network.settings import NetworkSettings
from tests.workflow import ROOT

CHIN = 8
CLIPS = ("pc_avs/00015.mp4", "grid/s1/bgaa8p.mpg")
REAL = ROOT.parent / "shared/real"


TIGHT = {
    "lower_face": (0.47, 1.0, 0.24, 0.76),
    "lip_box": (0.47, 0.93, 0.24, 0.76),
    "eye_box": (0.19, 0.39, 0.24, 0.76),
}


def network(**boxes) -> NetworkSettings:
    return NetworkSettings(lip_reader=True, eye_condition=True, **boxes)


def inside(points: np.ndarray, box: tuple) -> bool:
    top, bottom, left, right = box
    rows, columns = points[..., 1], points[..., 0]
    return bool(((rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)).all())


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("eye_distance, eyes_height, boxes", [(0.23, 0.42, {}), (0.3, 0.3, TIGHT)])
def test_lips_chin_and_eyes_of_a_speaking_face_stay_in_their_boxes(clip, eye_distance, eyes_height, boxes):
    if not (REAL / clip).is_file():
        pytest.skip("the real clips are not here")
    faces = list(open_detector("mediapipe", 1)(open_video(REAL / clip).chunks()))
    landmarks = np.stack([face[0] for face in faces if face])
    crop = framing(CropSettings(128, eye_distance, eyes_height, "video", 12))
    points = apply(chain(crop, align_track(landmarks, AlignSettings(7, "symmetric"))), landmarks.astype(float)) / 128
    settings = network(**boxes)
    eyes = [*RIGHT_EYE, *LEFT_EYE]
    assert inside(points[:, [*MOUTH, CHIN]], settings.lower_face)
    assert inside(points[:, MOUTH], settings.lip_box) and inside(points[:, eyes], settings.eye_box)
    assert points[:, eyes, 1].max() < settings.lower_face[0]


@pytest.mark.parametrize("eye_distance, eyes_height, boxes", [(0.23, 0.42, {}), (0.22, 0.42, {}), (0.3, 0.3, TIGHT)])
def test_framings_that_boxes_fit(eye_distance, eyes_height, boxes):
    check_face_boxes(network(**boxes), eye_distance, eyes_height, "aligned", True)


@pytest.mark.parametrize("eye_distance, eyes_height", [(0.3, 0.3), (0.25, 0.4), (0.23, 0.3)])
def test_the_box_to_write_is_named_and_fits(eye_distance, eyes_height):
    """Each message gives the value of one box; with all of them the check passes."""
    boxes = {}
    for _ in range(3):
        try:
            check_face_boxes(network(**boxes), eye_distance, eyes_height, "aligned", True)
        except UserError as error:
            name, value = re.match(r"network\.(\w+) is .* write (\[.*\])\.$", str(error)).groups()
            boxes[name] = tuple(json.loads(value))
    assert boxes
    check_face_boxes(network(**boxes), eye_distance, eyes_height, "aligned", True)


def test_a_crop_without_the_chin_and_other_framings_are_refused():
    with pytest.raises(UserError, match="does not hold the whole"):
        check_face_boxes(network(), 0.35, 0.42, "aligned", True)
    with pytest.raises(UserError, match="framing is as_distributed"):
        check_face_boxes(network(), 0.23, 0.42, "as_distributed", True)


def test_boxes_of_unused_conditions_are_not_checked():
    network = NetworkSettings(lip_reader=False, eye_condition=False)
    check_face_boxes(network, 0.35, 0.42, "as_distributed", False)
