"""MediaPipe's face mesh as a landmark back end; its models are inside the wheel of 0.10.21."""

import os
from collections.abc import Iterable, Iterator

import numpy as np

from dheads_model.faces.landmarks import MESH_OF_POINT, box_of

# A face must look like one with this probability to be found, and keep it to be followed from frame to frame.
_CONFIDENCE = 0.5
# Boxes that overlap by more (intersection over union) are one face.
_SAME_FACE = 0.3


def open_face_mesh(max_faces: int):
    """A detector (see detect.py) that follows faces from frame to frame; its memory is cleared for every clip."""
    # Before the import: MediaPipe's C++ part otherwise writes a page of messages for each start.
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=False,
        max_num_faces=max_faces,
        refine_landmarks=True,
        min_detection_confidence=_CONFIDENCE,
        min_tracking_confidence=_CONFIDENCE,
    )

    def detect(chunks: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        mesh.reset()
        for chunk in chunks:
            for frame in chunk:
                yield _distinct(_faces(mesh.process(np.ascontiguousarray(frame)), frame.shape))

    return detect


def _faces(result, shape) -> list[np.ndarray]:
    size = np.array([shape[1], shape[0]], dtype=np.float32)
    faces = []
    for face in result.multi_face_landmarks or []:
        points = face.landmark
        faces.append(np.array([(points[i].x, points[i].y) for i in MESH_OF_POINT], dtype=np.float32) * size)
    return faces


def _distinct(faces: list[np.ndarray]) -> list[np.ndarray]:
    """Without faces that lie on one found before: while the mesh follows a face, its detector may find it once more."""
    kept: list[np.ndarray] = []
    for face in faces:
        if all(_overlap(box_of(face), box_of(other)) < _SAME_FACE for other in kept):
            kept.append(face)
    return kept


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    inner = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(inner / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inner))
