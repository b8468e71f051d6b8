"""The face of a photo, aligned and cropped by the same functions as the frames of a clip.

Landmark detectors that track need some frames to converge, so they get the same image a few times. They also place 68
points on images without a face, so a face must first be found by a face detector: MediaPipe's full-range one, whose model
is in its wheel and which also finds smaller faces.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dheads_model.errors import UserError
from dheads_model.faces.align import AlignSettings, align_track, whole_picture
from dheads_model.faces.crop import CropSettings, chain, framing, warp
from dheads_model.faces.detect import Detector, open_detector
from dheads_model.faces.landmarks import LEFT_EYE, RIGHT_EYE, box_of, eye_distance
from dheads_model.media.photo_file import read_photo

# The main face must be this many times as large as the next one.
CLEARLY_LARGER = 1.5
# An image is square when its sides differ by less than this ratio.
SQUARE = 1.05
# Largest fraction of the crop from beyond the photo's edge without a warning; less is a line at the border.
WARNED_BEYOND = 0.02
log = logging.getLogger(__name__)

# A face upside down or sideways is found with a confidence that exceeds that of the upright one by up to 0.08 (23 photos).
_OWN_ORIENTATION = 0.1
_FULL_RANGE = 1  # MediaPipe's number of that model
_CONFIDENCE = 0.5
_DETECTION_SIDE = 640  # side of the face detector's input image in pixels; its network resizes it to 192
_WINDOW = 384  # side of the landmark detector's input window in pixels
_WINDOW_BOXES = 2.0  # the same side, relative to the side of the face's box
_SHOWN = 4  # number of times that the window is given to the landmark detector
_MOST_FACES = 4  # in a window, which may contain parts of neighbouring faces


@dataclass(frozen=True)
class PhotoFace:
    """A face: its landmarks float32 `[68, 2]` in pixels, and the detector's confidence in [0, 1]."""

    landmarks: np.ndarray
    confidence: float

    @property
    def size(self) -> float:
        """Root mean square distance of the landmarks to their centre in pixels, which does not depend on the head's tilt."""
        return float(np.sqrt(((self.landmarks - self.landmarks.mean(axis=0)) ** 2).sum(axis=1).mean()))


def crop_photo(
    path: Path | str,
    align: AlignSettings,
    crop: CropSettings,
    backend: str,
    min_eye_distance: float,
    weights_folder: Path | str = "resources/weights",
) -> np.ndarray:
    """The crop of `crop_image` from a photo file. Raises UserError as `crop_image` and `read_photo` do."""
    return crop_image(read_photo(path), str(path), align, crop, backend, min_eye_distance, weights_folder)


def crop_image(
    photo: np.ndarray,
    path: str,
    align: AlignSettings,
    crop: CropSettings,
    backend: str,
    min_eye_distance: float,
    weights_folder: Path | str = "resources/weights",
) -> np.ndarray:
    """The aligned crop uint8 RGB `[S, S, 3]`, S = crop.size, of the only or the main face in an image.

    photo: uint8 RGB `[H, W, 3]`. path: its name in errors. backend: landmark detector, see `open_detector`. Raises
    UserError as `open_detector` does, and when there is no face, when several are of similar size, when the eyes are
    fewer than min_eye_distance pixels apart, or when the framing is "as_distributed", which takes the whole image, and the
    image is not square.
    """
    with _quiet():
        image, faces = find_faces(photo, open_detector(backend, _MOST_FACES, weights_folder))
    if not faces:
        raise UserError(f"no face was found in {path}; take a photo that shows one from the front, not too far away.")
    similar = sum(face.size * CLEARLY_LARGER > faces[0].size for face in faces)
    if similar > 1:
        raise UserError(f"{path} shows {similar} faces of similar size; crop the photo to the one to animate.")
    landmarks = faces[0].landmarks
    distance = float(eye_distance(landmarks))
    if distance < min_eye_distance:
        raise UserError(
            f"the face in {path} is too small: its eyes are {distance:.0f} pixels apart and at least "
            f"{min_eye_distance:g} are needed; use a larger photo or a closer one."
        )
    if align.framing == "aligned":
        matrix = chain(framing(crop), align_track(landmarks[None], align)[0])
        beyond = share_beyond(image, matrix, crop.size)
        if beyond > WARNED_BEYOND:
            log.warning(
                "warning: %.0f %% of the video's frame lie beyond the edge of %s and repeat its outermost pixels, which gives "
                "streaks; use a photo with more space around the head.", 100 * beyond, path
            )  # fmt: skip
        return warp(image, matrix, crop.size)
    height, width = image.shape[:2]
    if not 1 / SQUARE < width / height < SQUARE:
        raise UserError(
            f"this model was trained on whole frames as distributed, so {path} must be a square image framed like those; "
            f"it is {width} x {height} pixels."
        )
    return warp(image, chain(framing(crop), whole_picture(1, width, height)[0]), crop.size)


def share_beyond(image: np.ndarray, matrix: np.ndarray, size: int) -> float:
    """Fraction of a crop of `size` pixels per side that a transform `[2, 3]` takes from beyond an image's edge."""
    inside = np.ones(image.shape[:2], np.uint8)
    return 1 - float(cv2.warpAffine(inside, matrix, (size, size), flags=cv2.INTER_NEAREST).mean())


def find_faces(image: np.ndarray, detector: Detector) -> tuple[np.ndarray, list[PhotoFace]]:
    """(image, its faces from the largest to the smallest) of uint8 RGB `[H, W, 3]`.

    The image is rotated by the multiple of 90 degrees with the highest confidence of an upright face, for photos without an
    orientation tag; not rotated if no face is found, or if no other orientation is clearly more certain.
    """
    best, found, highest = image, [], -np.inf
    with _box_detector() as boxes_of:
        for turns in range(4):
            turned = np.ascontiguousarray(np.rot90(image, turns))
            faces = _distinct([face for box in boxes_of(turned) if (face := _face_in(turned, box, detector))])
            score = max(map(_uprightness, faces), default=-np.inf) + (_OWN_ORIENTATION if turns == 0 else 0)
            if score > highest:
                best, found, highest = turned, faces, score
    return best, sorted(found, key=lambda face: -face.size)


def _uprightness(face: PhotoFace) -> float:
    """Confidence of a face; minus 1 if it is tilted by more than 45 degrees, since another orientation shows it better."""
    x, y = face.landmarks[LEFT_EYE].mean(axis=0) - face.landmarks[RIGHT_EYE].mean(axis=0)
    return face.confidence - float(x < abs(y))


def _face_in(image: np.ndarray, box: np.ndarray, detector: Detector) -> PhotoFace | None:
    """The face whose centre is nearest to that of a box x0, y0, x1, y1, confidence; None if none is inside."""
    centre, side = (box[:2] + box[2:4]) / 2, _WINDOW_BOXES * float((box[2:4] - box[:2]).max())
    scale, corner = _WINDOW / side, centre - side / 2
    # Pixel centres: x_window + 0.5 = (x + 0.5 - corner) * scale.
    matrix = np.column_stack([scale * np.eye(2), scale * (0.5 - corner) - 0.5])
    window = warp(image, matrix, _WINDOW)
    *_, last = detector([np.stack([window] * _SHOWN)])
    faces = [((face + 0.5) / scale + corner - 0.5).astype(np.float32) for face in last]
    inside = [face for face in faces if np.all(np.abs(face.mean(axis=0) - centre) < (box[2:4] - box[:2]) / 2)]
    if not inside:
        return None
    return PhotoFace(min(inside, key=lambda face: np.linalg.norm(face.mean(axis=0) - centre)), float(box[4]))


def _distinct(faces: list[PhotoFace]) -> list[PhotoFace]:
    """Faces without duplicates: those whose centre is in the box of a face with higher confidence."""
    kept: list[PhotoFace] = []
    for face in sorted(faces, key=lambda face: -face.confidence):
        centre, boxes = face.landmarks.mean(axis=0), [box_of(other.landmarks) for other in kept]
        if not any(np.all(box[:2] < centre) and np.all(centre < box[2:]) for box in boxes):
            kept.append(face)
    return kept


@contextlib.contextmanager
def _box_detector():
    """A function from an image `[H, W, 3]` to the boxes of its faces: float64 `[n, 5]` x0, y0, x1, y1, confidence."""
    import mediapipe

    detection = mediapipe.solutions.face_detection
    with detection.FaceDetection(model_selection=_FULL_RANGE, min_detection_confidence=_CONFIDENCE) as network:

        def boxes_of(image: np.ndarray) -> np.ndarray:
            height, width = image.shape[:2]
            shrink = min(_DETECTION_SIDE / max(height, width), 1.0)
            size = max(round(width * shrink), 1), max(round(height * shrink), 1)
            result = network.process(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
            boxes = [(found.location_data.relative_bounding_box, found.score[0]) for found in result.detections or []]
            corners = [(box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height, sure) for box, sure in boxes]
            return np.array(corners, dtype=np.float64).reshape(-1, 5) * [width, height, width, height, 1]

        yield boxes_of


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the standard error stream: MediaPipe's C++ code writes to it regardless of its log level."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
