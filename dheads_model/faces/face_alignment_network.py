"""face-alignment (S3FD and 2DFAN4, Bulat and Tzimiropoulos 2017) as a landmark back end: the paper's choice."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from dheads_model.fingerprint import ROOT
from dheads_model.weights import check_weights, read_weights_table

# Before numba is imported: face-alignment's functions would be compiled anew in every process, which takes 14 seconds.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

LANDMARK_WEIGHTS, DETECTOR_WEIGHTS = "2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"
# S3FD costs five times what the landmarks cost: it looks at every eighth frame, and between them boxes move along
# with the landmarks.
KEY_FRAME_EVERY = 8


def open_face_alignment(max_faces: int, weights_folder: Path):
    """A detector (see detect.py) whose weights come from verified local files; raises UserError without them."""
    table = read_weights_table(ROOT / "config/weights.tsv")
    landmark_file, detector_file = (
        check_weights(weights_folder / name, table[name]) for name in (LANDMARK_WEIGHTS, DETECTOR_WEIGHTS)
    )
    network = load_networks(landmark_file, detector_file)

    def detect(chunks: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        return follow_boxes((frame for chunk in chunks for frame in chunk), network, max_faces)

    return detect


def load_networks(landmark_file: Path, detector_file: Path):
    """face-alignment's object with both networks from local files; nothing is compiled or fetched."""
    import torch
    from face_alignment import FaceAlignment, LandmarksType
    from face_alignment.models.fan import FAN

    class LocalFaceAlignment(FaceAlignment):
        def _load_native(self, network_name, network_size, device, dtype):
            network = FAN(network_size)
            network.load_state_dict(torch.load(landmark_file, map_location=device, weights_only=True))
            return network.to(device, dtype=dtype).eval()

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return LocalFaceAlignment(
        LandmarksType.TWO_D, device=device, flip_input=False, compile=False,
        face_detector_kwargs={"path_to_detector": str(detector_file)},
    )  # fmt: skip


def follow_boxes(frames: Iterable[np.ndarray], network, max_faces: int) -> Iterator[list[np.ndarray]]:
    """Landmarks `[68, 2]` of the faces of each frame: boxes from the detector at key frames, moved along in between.

    network: anything with `face_detector.detect_from_image` and `get_landmarks_from_image`, as face-alignment has.
    A frame without boxes is looked at again by the detector.
    """
    boxes: list[np.ndarray] = []
    for number, frame in enumerate(frames):
        if number % KEY_FRAME_EVERY == 0 or not boxes:
            found = [np.asarray(box, dtype=np.float64) for box in network.face_detector.detect_from_image(frame)]
            boxes = sorted(found, key=lambda box: -(box[2] - box[0]) * (box[3] - box[1]))[:max_faces]
            places = None
        if not boxes:
            yield []
            continue
        faces = network.get_landmarks_from_image(frame, detected_faces=boxes) or []
        faces = [np.asarray(face, dtype=np.float32)[:, :2] for face in faces]
        centres = [face.mean(axis=0) for face in faces]
        if places is not None and len(places) == len(centres):
            for box, before, now in zip(boxes, places, centres, strict=True):
                box[:4] += np.tile(now - before, 2)
        places = centres
        yield faces
