"""The box that hides the mouth, on real faces."""

import numpy as np
import pytest

from dheads_model.diffusion.settings import LOWER_FACE, check_lower_face
from dheads_model.errors import UserError
from dheads_model.faces.align import AlignSettings, align_track, apply
from dheads_model.faces.crop import CropSettings, chain, framing
from dheads_model.faces.detect import open_detector
from dheads_model.faces.landmarks import LEFT_EYE, MOUTH, RIGHT_EYE
from dheads_model.media.video import open_video
from tests.workflow import ROOT

CHIN = 8
CLIPS = ("pc_avs/00015.mp4", "grid/s1/bgaa8p.mpg")
REAL = ROOT.parent / "shared/real"


@pytest.mark.parametrize("clip", CLIPS)
def test_lips_and_chin_of_a_speaking_face_stay_in_it_and_the_eyes_out(clip):
    if not (REAL / clip).is_file():
        pytest.skip("the real clips are not here")
    faces = list(open_detector("mediapipe", 1)(open_video(REAL / clip).chunks()))
    landmarks = np.stack([face[0] for face in faces if face])
    crop = framing(CropSettings(128, 0.23, 0.42, "video", 12))
    points = apply(chain(crop, align_track(landmarks, AlignSettings(7, "symmetric"))), landmarks.astype(float)) / 128
    top, bottom, left, right = LOWER_FACE
    hidden = points[:, [*MOUTH, CHIN]]
    assert (hidden[..., 1] >= top).all() and (hidden[..., 1] < bottom).all()
    assert (hidden[..., 0] >= left).all() and (hidden[..., 0] < right).all()
    assert points[:, [*RIGHT_EYE, *LEFT_EYE], 1].max() < top


def test_framings_that_it_fits():
    check_lower_face(0.23, 0.42)
    check_lower_face(0.22, 0.42)
    for eye_distance, eyes_height in ((0.35, 0.42), (0.23, 0.52), (0.12, 0.42), (0.23, 0.3)):
        with pytest.raises(UserError, match="does not fit lips and chin"):
            check_lower_face(eye_distance, eyes_height)
