"""Tracks, gaps, alignment, crops: on made-up faces, and with the real landmark back end on real pictures."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from skimage.data import astronaut
from skimage.transform import SimilarityTransform

from dheads_model.errors import ClipFiltered, UserError
from dheads_model.faces.align import MEAN_FACE_STABLE, AlignSettings, align_track, apply, similarity, smooth
from dheads_model.faces.crop import CropSettings, chain, framing, warp
from dheads_model.faces.detect import open_detector
from dheads_model.faces.landmarks import STABLE, eye_distance
from dheads_model.faces.redetect import detect_in_crops
from dheads_model.faces.tables import ALIGN, TRACK, read_clips, write_table
from dheads_model.faces.track import TrackSettings, fill_gaps, track_face
from dheads_model.media.encode import write_video
from dheads_model.media.video import decode_video, open_video
from dheads_model.stages.track import track_clip
from tests.factories.faces import Moving
from tests.media_fixtures import write_media
from tests.workflow import ROOT

SETTINGS = TrackSettings("mediapipe", 2, 3, 5, 100, 20.0, 1.0)
CROP = CropSettings(128, 0.23, 0.42, "video", 12)


def face(x=100.0, y=100.0, size=1.0):
    """Landmarks with an eye distance of 50 x size, all other points around them."""
    points = np.random.default_rng(0).uniform(-40, 40, (68, 2))
    points[36:42] = [-25, 0]
    points[42:48] = [25, 0]
    return (points * size + [x, y]).astype(np.float32)


def still(count, **where):
    return [[face(**where)] for _ in range(count)]


def test_short_gaps_are_filled_linearly_and_marked():
    frames = [[face(100)], [], [face(120)], [face(130)], [face(140)], []]
    track = track_face(frames, SETTINGS)
    assert track.detected.tolist() == [True, False, True, True, True, False]
    np.testing.assert_allclose(track.landmarks[1], face(110), atol=1e-3)
    np.testing.assert_allclose(track.landmarks[5], face(140), atol=1e-3)
    assert track.longest_gap == 1


def test_filling_keeps_what_was_found():
    found = np.stack([face(10), face(40)])
    filled = fill_gaps(found, np.array([False, True, False, False, True]))
    assert [round(float(x)) for x in filled[:, 36, 0]] == [-15, -15, -5, 5, 15]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (still(4), "too_short"),
        (still(101), "too_long"),
        ([[]] * 20, "no_face"),
        ([*still(8), *[[]] * 4, *still(8)], "face_gap"),
        ([*still(8), *still(8, x=400)], "face_jump"),
        (still(10, size=0.3), "face_too_small"),
    ],
)
def test_unusable_clips_are_filtered_with_their_reason(frames, reason):
    with pytest.raises(ClipFiltered) as caught:
        track_face(frames, SETTINGS)
    assert caught.value.reason == reason


def test_a_clip_that_a_damaged_time_stamp_makes_days_long_is_filtered(tmp_path):
    stamps = [k / 25 for k in range(19)] + [200_000.0]
    path = write_media(tmp_path / "a.mkv", stamps, flash=3, click=None)
    source = {"path": str(path), "bytes": path.stat().st_size}
    with pytest.raises(ClipFiltered, match=r"too_long: 200000 s by its time stamps, 100 frames of 40 ms"):
        track_clip(source, lambda chunks: (still(1)[0] for chunk in chunks for _ in chunk), SETTINGS)


def test_of_several_faces_the_one_that_persists_and_is_largest_is_kept():
    large, small = face(100, size=1.2), face(400, size=0.8)
    passing = face(250, size=3.0)
    frames = [[small, large] if i % 2 else [large, small] for i in range(20)]
    frames[7] = [passing, large, small]
    track = track_face(frames, SETTINGS)
    assert track.detected.all()
    np.testing.assert_array_equal(track.landmarks, np.stack([large] * 20))
    assert track.faces.tolist() == [2] * 7 + [3] + [2] * 12
    assert track.other_boxes[7].shape == (2, 4)


def test_similarity_equals_scikit_image():
    generator = np.random.default_rng(1)
    source = generator.normal(size=(5, 2)) * 30
    target = SimilarityTransform(scale=1.7, rotation=0.4, translation=(5, -9))(source) + generator.normal(size=(5, 2))
    reference = SimilarityTransform.from_estimate(source, target)
    np.testing.assert_allclose(similarity(source, target), reference.params[:2], atol=1e-9)
    with pytest.raises(ValueError, match="coincide"):
        similarity(np.ones((5, 2)), target)


def test_smoothing_windows():
    ramp = np.arange(10, dtype=float)[:, None]
    assert smooth(ramp, 5, "symmetric")[:, 0].tolist() == [1, 1.5, 2, 3, 4, 5, 6, 7, 7.5, 8]
    assert smooth(ramp, 7, "forward")[:, 0].tolist() == [3, 4, 5, 6, 6, 6, 6, 6, 6, 6]
    assert smooth(ramp, 1, "symmetric")[:, 0].tolist() == ramp[:, 0].tolist()
    with pytest.raises(ValueError, match="symmetric or forward"):
        smooth(ramp, 3, "backward")


def test_an_aligned_face_has_its_stable_points_on_the_mean_face():
    track = np.stack([face(100 + 3 * i, 80 + i) for i in range(12)])
    track[:, STABLE] = MEAN_FACE_STABLE * 0.8 + np.array([[[40, 10]]]) + 3 * np.arange(12)[:, None, None]
    matrices = align_track(track, AlignSettings(1, "symmetric"))
    np.testing.assert_allclose(
        apply(matrices, track[:, STABLE].astype(float)), np.tile(MEAN_FACE_STABLE, (12, 1, 1)), atol=1e-3
    )


def test_the_crop_puts_eyes_where_the_config_says():
    eyes = apply(framing(CROP), np.array([[102.1, 94.3], [156.4, 93.6]]))
    assert np.linalg.norm(eyes[1] - eyes[0]) == pytest.approx(0.23 * 128, rel=0.01)
    assert eyes.mean(axis=0) == pytest.approx([64, 0.42 * 128], abs=0.1)


def test_chained_transforms_equal_one_after_the_other():
    first, second = np.array([[1.2, 0.3, 5], [-0.3, 1.2, 7]]), framing(CROP)
    points = np.random.default_rng(2).normal(size=(6, 2)) * 50
    np.testing.assert_allclose(apply(chain(second, first), points), apply(second, apply(first, points)))


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.1])
def test_a_warp_hits_the_same_place_at_every_scale(scale):
    frame = np.zeros((900, 1200, 3), np.uint8)
    frame[400:500, 600:700] = 255
    matrix = np.array([[scale, 0, 64 - scale * 649.5], [0, scale, 64 - scale * 449.5]])
    crop = warp(frame, matrix, 129).astype(float)[..., 0]
    y, x = np.mgrid[:129, :129]
    assert (crop * x).sum() / crop.sum() == pytest.approx(64, abs=0.1)
    assert (crop * y).sum() / crop.sum() == pytest.approx(64, abs=0.1)


def test_a_strong_reduction_averages_instead_of_skipping_pixels():
    checker = (np.indices((1280, 1280)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = warp(np.dstack([checker] * 3), np.array([[0.1, 0, 0], [0, 0.1, 0]]), 128)
    assert crop[10:-10, 10:-10].std() < 10


def test_tables_survive_the_disk_and_have_the_same_bytes(tmp_path):
    columns = {
        "frame": np.arange(3, dtype=np.int32), "time": np.arange(3) / 30, "landmarks": np.stack([face()] * 3),
        "detected": np.ones(3, bool), "faces": np.ones(3, np.int16), "other_boxes": [np.zeros((0, 4))] * 3,
    }  # fmt: skip
    for name in ("a", "b"):
        write_table(tmp_path / name, TRACK, [("one", columns), ("two", columns)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    back = read_clips(tmp_path / "a")
    assert list(back) == ["one", "two"]
    np.testing.assert_array_equal(back["two"]["landmarks"], columns["landmarks"])
    write_table(tmp_path / "none", ALIGN, [])
    assert read_clips(tmp_path / "none") == {}


@pytest.mark.parametrize("count", [1, 8, 9, 20, 64, 65, 66, 128, 129, 130])
def test_boxes_are_interpolated_between_key_frames(count):
    network = Moving()
    faces = network.detect(count)
    assert [round(float(one[0][0, 0]), 4) for one in faces] == list(range(count))
    assert set(network.looked) == {*range(0, count, 8), count - 1}
    assert max(network.batches) <= 64


def test_where_a_key_frame_shows_nobody_every_frame_is_looked_at():
    network = Moving(hidden=(8.0, 10.0))
    faces = network.detect(24)
    assert [len(one) for one in faces] == [0 if number in (8, 10) else 1 for number in range(24)]
    assert set(range(8, 17)) <= set(network.looked) and 17 not in network.looked
    assert float(faces[7][0][0, 0]) == 0.0  # nobody to move towards: the box of frame 0 stays


def test_back_ends_without_weights_or_unknown_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"is missing: run `snakemake --cores 1 resources/weights/2DFAN4"):
        open_detector("face-alignment", 1, tmp_path)
    with pytest.raises(UserError, match="must be mediapipe or face-alignment"):
        open_detector("dlib", 1)


@pytest.mark.slow
def test_mediapipe_finds_the_portrait_where_it_is():
    landmarks = next(open_detector("mediapipe", 2)([astronaut()[None]]))
    assert len(landmarks) == 1
    points = landmarks[0]
    assert points[30] == pytest.approx([224, 128], abs=4)  # tip of the nose
    assert points[36:42].mean(axis=0) == pytest.approx([204, 102], abs=4)  # her right eye, left in the picture
    assert points[42:48].mean(axis=0) == pytest.approx([246, 104], abs=4)
    assert points[62, 1] < points[66, 1] - 3  # teeth show between the lips
    assert points[8, 1] == points[:, 1].max()  # the chin is lowest


@pytest.mark.slow
def test_a_clip_does_not_depend_on_the_clip_before(samples):
    detector = open_detector("mediapipe", 2)
    paths = [samples / "video/grid" / name for name in ("bbaf2n.mpg", "brbk7n.mpg")]
    alone = [faces[0] for faces in detector(open_video(paths[1]).chunks())]
    list(detector(open_video(paths[0]).chunks()))
    after = [faces[0] for faces in detector(open_video(paths[1]).chunks())]
    assert len(alone) == 75
    np.testing.assert_array_equal(np.stack(alone), np.stack(after))


@pytest.mark.slow
def test_a_frozen_video_is_still_and_a_moving_one_is_not(tmp_path):
    crop = cv2.resize(astronaut()[0:220, 120:340], (128, 128), interpolation=cv2.INTER_AREA)
    frozen = np.repeat(crop[None], 40, axis=0)
    write_video(tmp_path / "frozen.mp4", frozen, np.zeros(640 * 40, np.int16))
    decoded = decode_video(tmp_path / "frozen.mp4")
    assert (decoded != decoded[:1]).any(), "the encoder leaves small differences"
    found, seen = detect_in_crops(decoded)
    assert seen.all()
    assert (found == found[:1]).all()
    moving = np.stack([np.roll(crop, i // 10, axis=1) for i in range(40)])
    shifted, _ = detect_in_crops(moving)
    assert shifted[39, :, 0].mean() - shifted[0, :, 0].mean() == pytest.approx(3, abs=0.5)
    # The face stands still for ten frames; from the first on its landmarks do, but for MediaPipe's own trembling.
    assert np.linalg.norm(shifted[:10] - shifted[9], axis=2).mean(axis=1).max() < 0.2


@pytest.mark.slow
def test_landmarks_found_again_in_a_crop_lie_where_the_transform_puts_them():
    picture = astronaut()
    points = next(open_detector("mediapipe", 1)([picture[None]]))[0].astype(float)
    matrix = chain(framing(CROP), align_track(points[None], AlignSettings(1, "symmetric"))[0])
    found, seen = detect_in_crops(warp(picture, matrix, 128)[None])
    assert seen.all()
    assert np.linalg.norm(found[0] - apply(matrix, points), axis=1).mean() < 1.0
    assert eye_distance(found)[0] == pytest.approx(0.23 * 128, rel=0.06)


# In a process of its own: the memory of one that ran other tests moves by itself.
MEASURED = """
from pathlib import Path
import cv2
import numpy as np
from skimage.data import astronaut
from dheads_model.faces.redetect import detect_in_crops

def resident_megabytes():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) // 1024

crops = np.stack([cv2.resize(astronaut()[:256, 96:352], (128, 128))] * 2)
crops[1, :, :8] = 0
detect_in_crops(crops)
before = resident_megabytes()
for _ in range(8):
    detect_in_crops(crops)
print(resident_megabytes() - before)
"""


def test_measuring_many_videos_keeps_no_detectors():
    """A mesh that is not closed keeps 30 MB."""
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 100
