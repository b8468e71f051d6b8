"""Crops: pixels averaged before they are skipped, alike over a whole clip, the right frames, the same bytes on every machine."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from dheads_model.errors import ClipFailed
from dheads_model.faces import crop
from dheads_model.faces.crop import CropSettings, halvings, warp
from dheads_model.media.video import open_video
from dheads_model.stages.crop import crop_clip, members_of
from tests.factories.media import COUNT, write_numbered

SIZE = 64


def turned(scale, degrees=0.0, middle=(256, 256), size=SIZE):
    """Transform `[2, 3]` that shrinks and turns, and puts a place of the frame in the middle of the crop."""
    angle = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, np.full(2, size / 2) - linear @ middle])


def area_average(frame, matrix, size=SIZE, fine=8):
    """The crop as the mean of fine x fine places in each of its pixels, from the frame interpolated between pixels."""
    places = np.vstack([fine * matrix[:, :2].T, (fine * matrix[:, 2] + (fine - 1) / 2)]).T
    many = cv2.warpAffine(frame, places, (size * fine, size * fine), borderMode=cv2.BORDER_REPLICATE)
    return many.reshape(size, fine, size, fine, 3).mean(axis=(1, 3))


def psnr(picture, reference):
    return 10 * np.log10(255**2 / np.square(picture - reference).mean())


@pytest.mark.parametrize(
    ("scale", "count"), [(2.0, 0), (0.6, 0), (0.5, 0), (0.49, 1), (0.25, 1), (0.24, 2), (0.1, 3), (0.0, 0)]
)
def test_frames_are_halved_until_they_shrink_by_half_at_most(scale, count):
    assert halvings(turned(scale, 20)[None]) == count


def test_a_clip_is_halved_by_one_number_though_the_face_comes_nearer():
    assert halvings(np.stack([turned(scale) for scale in (0.4, 0.45, 0.48, 0.52, 0.55)])) == 1
    assert halvings(np.stack([turned(scale) for scale in (0.4, 0.48, 0.52, 0.55, 0.6)])) == 0


@pytest.mark.parametrize("scale", [0.45, 0.3, 0.2, 0.13])
@pytest.mark.parametrize("degrees", [0, 12])
def test_a_crop_is_nearer_to_the_average_of_its_pixels_than_a_plain_sample(scale, degrees):
    frame, matrix = astronaut(), turned(scale, degrees)
    reference = area_average(frame, matrix)
    plain = cv2.warpAffine(frame, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    found = psnr(warp(frame, matrix, SIZE), reference)
    assert found > 40
    assert found > psnr(plain, reference) + 8


@pytest.mark.parametrize("middle", [(256, 256), (30, 480), (500, 10), (-900, -900)])
@pytest.mark.parametrize("scale", [0.2, 0.1, 0.05])
def test_leaving_out_what_a_crop_does_not_show_changes_nothing(monkeypatch, middle, scale):
    frame, matrix = np.random.default_rng(0).integers(0, 256, (509, 511, 3), dtype=np.uint8), turned(scale, 15, middle)
    found = warp(frame, matrix, SIZE)
    monkeypatch.setattr(crop, "_seen_part", lambda frame, matrix, size, block: (frame, matrix))
    # Positions are rounded to fractions of a pixel, which may fall otherwise when they are counted from another corner.
    assert np.abs(found.astype(int) - warp(frame, matrix, SIZE)).max() <= 2


def test_a_clip_is_cropped_from_the_frames_that_were_chosen(tmp_path):
    path = write_numbered(tmp_path / "a.mpg", "mpeg1video")
    settings = CropSettings(128, 0.23, 0.42, "video", 12)
    numbers = np.array([0, 1, 1, 30, 59])
    align = {"source_frame": numbers, "matrix": np.tile([[0.8, 0, 20], [0, 0.8, 10]], (5, 1, 1))}
    crops = crop_clip(path, align, {"source_frames": COUNT}, settings)
    frames = np.concatenate(list(open_video(path).chunks()))
    matrices = crop.chain(crop.framing(settings), align["matrix"])
    for found, number, matrix in zip(crops, numbers, matrices, strict=True):
        np.testing.assert_array_equal(found, warp(frames[number], matrix, 128))
    with pytest.raises(ClipFailed, match="damaged: 60 of the 61 frames"):
        crop_clip(path, align, {"source_frames": COUNT + 1}, settings)


def test_crops_have_the_same_bytes_whatever_the_number_of_threads(tmp_path):
    path = write_numbered(tmp_path / "a.mp4", "libx264")
    settings = CropSettings(64, 0.23, 0.42, "video", 12)
    matrices = np.stack([turned(0.5 + 0.01 * number, number, (60, 50), 256) for number in range(COUNT)])
    align = {"source_frame": np.arange(COUNT), "matrix": matrices}
    before = cv2.getNumThreads()
    try:
        made = []
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            made.append(list(members_of("a", crop_clip(path, align, {"source_frames": COUNT}, settings), settings)))
    finally:
        cv2.setNumThreads(before)
    assert made[0] == made[1]
