"""Identity from embeddings: hand-computed values, refusals, and dlib's embedder on real faces where it is installed."""

from importlib.util import find_spec

import numpy as np
import pytest
from skimage.data import astronaut

from dheads_model.configuration import default_config
from dheads_model.errors import UserError
from dheads_model.faces import dlib_packages
from dheads_model.metrics.clip import measure_clip
from dheads_model.metrics.identity import (
    IDENTITY_METRICS,
    acd_drift,
    acd_pairs,
    acd_still,
    csim,
    frames_to_embed,
    measure_identity,
    measure_identity_of_frames,
)
from dheads_model.metrics.networks import dlib_embedding
from dheads_model.metrics.networks.dlib_embedding import FILE, open_dlib_embedding
from dheads_model.metrics.networks.packaged import is_installed
from dheads_model.metrics.per_clip import identity as per_clip_identity
from dheads_model.metrics.registry import CLIP_METRICS, requested_metrics
from tests.workflow import ROOT
from workflow_scripts.planning.plan import make_work_plan

GRID = ROOT.parent / "shared/real/grid"
ALL = np.ones(4, dtype=bool)
TRUTH = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
MADE = np.array([[1, 0], [0, 2], [0, 2], [0, -2]], dtype=np.float32)


def test_values_by_hand():
    assert csim(MADE, TRUTH) == pytest.approx([1, 0, 1, -1])
    assert csim(MADE, TRUTH[:1]) == pytest.approx([1, 0, 0, 0])
    assert acd_still(MADE[1:], TRUTH[0]) == pytest.approx(np.sqrt(5))
    assert acd_pairs(np.array([[0.0], [3.0], [4.0]])) == pytest.approx((3 + 4 + 1) / 3)


def test_drift_by_hand():
    away = np.array([[1.0], [2.0], [3.0], [5.0], [8.0], [9.0], [9.0]])
    assert acd_drift(away, np.array([1.0])) == pytest.approx(8 - 0.5)
    assert acd_drift(away[::-1], np.array([1.0])) == pytest.approx(0.5 - 8)
    assert acd_drift(np.ones((8, 2)), np.zeros(2)) == 0


def test_all_metrics_of_a_clip():
    found = measure_identity("x", MADE, ALL, TRUTH, ALL, is_reference=False)
    assert [one.metric for one in found] == [f"{name}_x" for name in IDENTITY_METRICS]
    pairs = (3 * np.sqrt(5) + 0 + 4 + 4) / 6
    assert [one.value for one in found] == pytest.approx([0.25, 0, np.sqrt(5), pairs, 0])


def test_the_first_frame_is_no_witness_for_itself():
    """A frozen first frame counts; the first frame of any other video does not raise its similarity."""
    frozen = np.repeat(TRUTH[:1], 4, axis=0)
    assert measure_identity("x", frozen, ALL, TRUTH, ALL, False)[1].value == 1
    stranger = np.array([[1, 0], [0, 1], [0, 1], [0, 1]], dtype=np.float32)
    assert measure_identity("x", stranger, ALL, TRUTH, ALL, False)[1].value == 0


def test_scale_of_an_embedding_moves_distances_only():
    twice = measure_identity("x", 2 * MADE, ALL, TRUTH, ALL, False)
    once = measure_identity("x", MADE, ALL, TRUTH, ALL, False)
    assert twice[0].value == pytest.approx(once[0].value) and twice[1].value == pytest.approx(once[1].value)
    assert twice[3].value == pytest.approx(2 * once[3].value)


def test_ground_truth_is_not_compared_with_itself():
    found = measure_identity("x", TRUTH, ALL, TRUTH, ALL, is_reference=True)
    assert (found[0].value, found[0].status) == (None, "not_applicable")
    assert all(one.value is not None for one in found[1:])


def test_frames_of_a_video_are_those_of_its_truth_and_the_still_is_the_first():
    """An embedder that sees a frame's brightness and its first landmark."""
    assert frames_to_embed(75)[0] == 0 and len(frames_to_embed(75)) == 9 and len(frames_to_embed(5)) == 5

    def embed(frame, landmarks):
        return np.array([frame[0, 0, 0], landmarks[0, 0]], dtype=np.float32)

    frames = np.repeat(np.arange(1, 76, dtype=np.uint8), 12).reshape(75, 2, 2, 3)
    points = np.ones((75, 68, 2))
    found = measure_identity_of_frames("x", embed, frames, points, frames, points, False)
    taken = frames_to_embed(75)
    assert found[0].value == pytest.approx(1) and found[2].value == pytest.approx(taken[1:].mean())
    moved = measure_identity_of_frames("x", embed, frames, points * 50, frames, points, False)
    assert moved[0].value < 0.99


def test_frames_without_a_face_do_not_count():
    truth, made = np.repeat(TRUTH, 3, axis=0), np.repeat(MADE, 3, axis=0)
    made[4] = np.nan
    seen = np.ones(12, dtype=bool)
    seen[4] = False
    assert measure_identity("x", made, seen, truth, np.ones(12, dtype=bool), False)[0].value == pytest.approx(3 / 11)
    seen[4:8] = False
    found = measure_identity("x", made, seen, truth, np.ones(12, dtype=bool), False)
    assert {one.reason for one in found} == {"a face was embedded in 8 of 12 frames of the video"}


def test_a_still_image_without_a_face_is_refused():
    unseen = np.ones(12, dtype=bool)
    unseen[0] = False
    truth, made = np.repeat(TRUTH, 3, axis=0), np.repeat(MADE, 3, axis=0)
    found = measure_identity("x", made, np.ones(12, dtype=bool), truth, unseen, False)
    assert [one.reason for one in found] == ["", *["no face in the still image"] * 2, "", "no face in the still image"]
    one = measure_identity("x", MADE[:1], ALL[:1], TRUTH[:1], ALL[:1], False)
    assert {each.reason for each in one} == {"fewer than 2 frames"}


def test_what_cannot_be_is_an_error():
    with pytest.raises(UserError, match="length 0"):
        csim(np.zeros((2, 3)), np.ones((2, 3)))
    with pytest.raises(UserError, match="at least 2"):
        acd_pairs(np.ones((1, 3)))
    with pytest.raises(UserError, match="at least 3"):
        acd_drift(np.ones((2, 3)), np.ones(3))


def test_missing_packages_are_told(monkeypatch):
    monkeypatch.setattr(dlib_embedding, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"dlib is not installed: run pip install .*face-recognition-models==0.3.0"):
        open_dlib_embedding()


@pytest.mark.skipif(
    not (find_spec("dlib") and is_installed(FILE)), reason="the packages of the extra identity are not installed"
)
def test_dlib_knows_a_face_in_the_dark():
    from dheads_model.faces.detect import open_detector

    picture = astronaut()[:256, 96:352]
    points = next(open_detector("mediapipe", 1)([picture[None]]))[0]
    frames = np.stack([picture, picture // 2, picture[::-1]])
    embed = open_dlib_embedding()
    found = np.stack([embed(frame, points) for frame in frames])
    near, far = np.linalg.norm(found[1:] - found[0], axis=1)
    assert near < 0.3 and far > 2 * near
    with pytest.raises(UserError, match="68 landmarks"):
        embed(picture, points[:5])


@pytest.mark.skipif(
    not (find_spec("dlib") and is_installed(FILE)), reason="the packages of the extra identity are not installed"
)
@pytest.mark.skipif(not GRID.is_dir(), reason=f"no real clips at {GRID}")
def test_real_people_are_like_themselves_and_unlike_each_other():
    from dheads_model.faces.detect import open_detector
    from dheads_model.media.video import decode_video

    detect, embed, found = open_detector("mediapipe", 1), open_dlib_embedding(), []
    one, another = sorted((GRID / "s1").glob("*.mpg"))[:2]
    for path in (one, another, next((GRID / "unknown").glob("*.mpg"))):
        frames = decode_video(path)[::24]
        points = np.stack([faces[0] for faces in detect([frames])])
        found.append(np.stack([embed(*pair) for pair in zip(frames, points, strict=True)]))
    first, same, other = found
    assert acd_pairs(first) < 0.3
    assert acd_still(same, first[0]) < 0.45
    assert acd_still(other, first[0]) > 0.5
    assert csim(first, first[:1]).min() > csim(other, first[:1]).max() + 0.05


def test_the_table_has_identity_only_where_the_config_asks_for_it(monkeypatch):
    asked = default_config()["metrics"]
    assert "identity" not in requested_metrics(asked)
    (metric,) = requested_metrics(asked | {"identity": True}).keys() & {"identity"}
    frames = np.zeros((6, 8, 8, 3), dtype=np.uint8)
    frames[3:] = 200
    points, seen = np.ones((6, 68, 2), dtype=np.float32), np.ones(6, dtype=bool)
    by_brightness = lambda frame, landmarks: np.array([1.0, frame.mean()], dtype=np.float32)  # noqa: E731
    monkeypatch.setattr(per_clip_identity, "_embedder", lambda: by_brightness)
    wanted = {metric: CLIP_METRICS[metric]}
    ours = measure_clip(frames, frames, np.zeros(3840, np.int16), points, seen, points, False, wanted)
    assert [one.metric for one in ours] == [f"{name}_dlib" for name in IDENTITY_METRICS]
    assert ours[0].value == pytest.approx(1) and ours[1].value < 0.9
    truth = measure_clip(frames, frames, np.zeros(3840, np.int16), points, seen, points, True, wanted)
    assert [one.status for one in truth] == ["not_applicable", "ok", "ok", "ok", "ok"]


def test_missing_packages_are_told_before_any_job(monkeypatch):
    monkeypatch.setattr(dlib_packages, "find_spec", lambda name: None)
    config = default_config()
    config["metrics"]["identity"] = True
    with pytest.raises(UserError, match=r"metrics\.identity is true, but dlib is not installed: run pip install"):
        make_work_plan(config)
