"""Photos of all kinds become upright RGB, and the one face in them the crop that a clip's frame would have become."""

import contextlib
import dataclasses

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, chelsea

from dheads_model.errors import UserError
from dheads_model.faces import photo
from dheads_model.faces.align import AlignSettings, align_track
from dheads_model.faces.crop import CropSettings, chain, framing, warp
from dheads_model.faces.detect import open_detector
from dheads_model.faces.landmarks import LEFT_EYE, RIGHT_EYE, eye_distance
from dheads_model.faces.photo import crop_photo
from dheads_model.faces.redetect import detect_in_crops
from dheads_model.media import photo_file as module
from dheads_model.media.photo_file import read_photo

ALIGN = AlignSettings(7, "symmetric")
CROP = CropSettings(128, 0.23, 0.42, "video", 12)
FACE_CENTRE = (224, 126)  # of the astronaut


def crop_of(path) -> np.ndarray:
    return crop_photo(path, ALIGN, CROP, "mediapipe", 20)


def saved(folder, picture: np.ndarray, name: str = "photo.png"):
    Image.fromarray(picture).save(folder / name)
    return folder / name


def tilted(degrees: float) -> np.ndarray:
    """The astronaut turned against the clock around the face, which comes to lie in the middle."""
    matrix = cv2.getRotationMatrix2D(FACE_CENTRE, degrees, 1)
    matrix[:, 2] += np.array([256, 256]) - FACE_CENTRE
    return cv2.warpAffine(astronaut(), matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)


def eyes_in(crop: np.ndarray) -> tuple[np.ndarray, float]:
    """(centre between the eyes, their distance) as shares of the crop's side."""
    points, seen = detect_in_crops(crop[None])
    assert seen.all()
    centre = (points[0, RIGHT_EYE].mean(axis=0) + points[0, LEFT_EYE].mean(axis=0)) / 2
    return centre / len(crop), float(eye_distance(points[0])) / len(crop)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_exif_data_say(tmp_path, orientation):
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20, :30] = 255
    undo = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
        6: np.rot90(upright), 7: upright[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(upright, -1),
    }  # fmt: skip
    image = Image.fromarray(np.ascontiguousarray(undo[orientation]))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    found = read_photo(tmp_path / "photo.jpg")
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).mean() < 5


def test_every_kind_becomes_8_bit_rgb(tmp_path):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    grey = np.repeat(ramp[..., None], 3, axis=2)
    deep = ramp.astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "deep_grey.png"), deep)
    cv2.imwrite(str(tmp_path / "deep_grey.tif"), deep)
    cv2.imwrite(str(tmp_path / "deep_colour.png"), np.repeat(deep[..., None], 3, axis=2))
    saved(tmp_path, ramp, "grey.png")
    saved(tmp_path, ramp, "grey.bmp")
    saved(tmp_path, grey, "colour.tif")
    Image.fromarray(ramp).convert("P").save(tmp_path / "palette.gif")
    Image.fromarray(grey).convert("CMYK").save(tmp_path / "print.jpg", quality=100)
    Image.fromarray(grey).save(tmp_path / "web.webp", lossless=True)
    for path in sorted(tmp_path.iterdir()):
        found = read_photo(path)
        assert found.dtype == np.uint8, path.name
        assert found.shape == (64, 256, 3), path.name
        assert np.abs(found.astype(int) - grey).max() <= 3, path.name


def test_what_is_transparent_becomes_white(tmp_path):
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:4, :, 3] = 255
    found = read_photo(saved(tmp_path, picture))
    assert (found[:4] == 0).all()
    assert (found[4:] == 255).all()


def test_large_pictures_are_shrunk(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_SIDE", 200)
    for name in ("photo.png", "photo.jpg"):
        found = read_photo(saved(tmp_path, np.repeat(astronaut(), 2, axis=0), name))
        assert found.shape == (200, 100, 3)
    assert read_photo(saved(tmp_path, astronaut()[:150, :150])).shape == (150, 150, 3)


def test_what_is_no_picture_is_refused(tmp_path):
    def refuse(path, message: str):
        with pytest.raises(UserError, match=message):
            read_photo(path)

    refuse(tmp_path / "none.jpg", "there is no image")
    refuse(tmp_path, "is a folder; give the path of one photo")
    (tmp_path / "text.jpg").write_text("not a picture")
    refuse(tmp_path / "text.jpg", "is not a readable image")
    for name in ("photo.png", "photo.jpg"):
        whole = saved(tmp_path, astronaut(), name).read_bytes()
        (tmp_path / f"cut_{name}").write_bytes(whole[: len(whole) // 2])
        refuse(tmp_path / f"cut_{name}", "cannot be decoded as an image")


def test_a_photo_gives_the_crop_that_a_clip_of_it_gives(tmp_path):
    picture = astronaut()
    *_, (landmarks,) = open_detector("mediapipe", 1)([np.stack([picture] * 4)])
    expected = warp(picture, chain(framing(CROP), align_track(landmarks[None], ALIGN)[0]), CROP.size)
    found = crop_of(saved(tmp_path, picture))
    assert found.shape == (128, 128, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).mean() < 4
    np.testing.assert_array_equal(found, crop_of(tmp_path / "photo.png"))


def test_a_photo_is_taken_whole_where_the_data_were(tmp_path):
    align, crop = (dataclasses.replace(block, framing="as_distributed") for block in (ALIGN, CROP))
    face = astronaut()[:300, 100:400]
    found = crop_photo(saved(tmp_path, face), align, crop, "mediapipe", 20)
    assert found.shape == (128, 128, 3)
    assert np.abs(found.astype(int) - cv2.resize(face, (128, 128), interpolation=cv2.INTER_AREA)).mean() < 5
    with pytest.raises(UserError, match="must be a square image framed like those; it is 300 x 400 pixels"):
        crop_photo(saved(tmp_path, astronaut()[:400, 100:400]), align, crop, "mediapipe", 20)


@pytest.mark.parametrize("degrees", [-100, -60, 45, 90, 135, 180])
def test_a_tilted_head_stands_upright_in_the_crop(tmp_path, degrees):
    centre, distance = eyes_in(crop_of(saved(tmp_path, tilted(degrees))))
    assert centre == pytest.approx([0.5, 0.42], abs=0.03)
    assert distance == pytest.approx(0.23, abs=0.02)


@pytest.mark.parametrize(("upside_down", "turned"), [(0.73, False), (0.9, True)])
def test_a_photo_is_turned_only_if_that_is_clearly_surer(monkeypatch, upside_down, turned):
    """A face with closed eyes was found upright with 0.65 and upside down with 0.73."""
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[0] = 255

    @contextlib.contextmanager
    def boxes():
        # The bright row is at the top of the photo as given, and at the bottom of the one upside down.
        yield lambda image: [0.65] if image[0].all() else [upside_down] if image[-1].all() else []

    def face_in(image, confidence, detector):
        points = np.zeros((68, 2), np.float32)
        points[LEFT_EYE], points[RIGHT_EYE] = (40, 20), (20, 20)
        return photo.PhotoFace(points, confidence)

    monkeypatch.setattr(photo, "_box_detector", boxes)
    monkeypatch.setattr(photo, "_face_in", face_in)
    image, (face,) = photo.find_faces(picture, None)
    assert bool(image[-1].all()) == turned
    assert face.confidence == (upside_down if turned else 0.65)


def test_size_and_place_of_the_face_do_not_matter(tmp_path):
    small = np.full((1100, 1400, 3), 90, np.uint8)
    small[500:1012, 800:1312] = astronaut()
    one, other = crop_of(saved(tmp_path, small)), crop_of(saved(tmp_path, cv2.resize(small, None, fx=3, fy=3)))
    for crop in (one, other):
        centre, distance = eyes_in(crop)
        assert centre == pytest.approx([0.5, 0.42], abs=0.03)
        assert distance == pytest.approx(0.23, abs=0.02)


def test_no_face_is_refused(tmp_path, samples):
    for path in (saved(tmp_path, chelsea()), samples / "image/dog_liveportrait_s30.jpg"):
        with pytest.raises(UserError, match="no face was found"):
            crop_of(path)


def test_several_faces_of_similar_size_are_refused_with_their_number(tmp_path, samples):
    with pytest.raises(UserError, match="shows 2 faces of similar size"):
        crop_of(samples / "image/two_people.jpg")
    head = astronaut()[:256, 100:356]
    with pytest.raises(UserError, match="shows 3 faces of similar size"):
        crop_of(saved(tmp_path, np.concatenate([head, head, head], axis=1)))


def test_a_small_face_in_the_background_is_fine(tmp_path):
    def beside(side: int):
        picture = np.full((512, 812, 3), 120, np.uint8)
        picture[:, :512] = astronaut()
        picture[:side, 812 - side :] = cv2.resize(astronaut()[:256, 100:356], (side, side))
        return saved(tmp_path, picture)

    alone = crop_of(saved(tmp_path, astronaut()))
    assert np.abs(crop_of(beside(150)).astype(int) - alone).mean() < 4
    with pytest.raises(UserError, match="2 faces"):
        crop_of(beside(230))


def test_a_face_of_few_pixels_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"its eyes are 1[78] pixels apart and at least 20 are needed"):
        crop_of(saved(tmp_path, cv2.resize(astronaut(), (205, 205), interpolation=cv2.INTER_AREA)))


def test_real_stills(samples):
    paths = [*samples.glob("image/crema_*.png"), samples / "image/aflw-test.jpg", samples / "image/biden.jpg"]
    assert len(paths) == 7
    for path in paths:
        centre, distance = eyes_in(crop_of(path))
        assert centre == pytest.approx([0.5, 0.42], abs=0.04), path.name
        assert distance == pytest.approx(0.23, abs=0.03), path.name


def test_unknown_back_end(tmp_path):
    with pytest.raises(UserError, match="it must be mediapipe or face-alignment"):
        crop_photo(saved(tmp_path, astronaut()), ALIGN, CROP, "dlib", 20)


def test_nothing_but_the_refusal_reaches_the_terminal(tmp_path, capfd):
    crop_of(saved(tmp_path, astronaut()))
    assert capfd.readouterr() == ("", "")
