"""MediaPipe's face mesh as a landmark detector; its models are in the wheel of 0.10.21."""

import os
from collections.abc import Iterable, Iterator

import numpy as np

from dheads_model.faces.landmarks import MESH_OF_POINT, box_of

# Smallest confidence to detect a face, and to track it from frame to frame.
_CONFIDENCE = 0.5
# Boxes with a larger intersection over union are one face.
_SAME_FACE = 0.3


def open_face_mesh(max_faces: int):
    """A detector (see detect.py) that tracks faces from frame to frame; its state is reset for every clip."""
    # Before the import: otherwise MediaPipe's C++ code writes many messages at each start.
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

    # MediaPipe does not free a mesh, about 30 MB, when Python forgets it.
    detect.close = mesh.close
    return detect


def _faces(result, shape) -> list[np.ndarray]:
    size = np.array([shape[1], shape[0]], dtype=np.float32)
    faces = []
    for face in result.multi_face_landmarks or []:
        points = face.landmark
        faces.append(np.array([(points[i].x, points[i].y) for i in MESH_OF_POINT], dtype=np.float32) * size)
    return faces


def _distinct(faces: list[np.ndarray]) -> list[np.ndarray]:
    """Faces without duplicates: while the mesh tracks a face, its detector may find the same face again."""
    kept: list[np.ndarray] = []
    for face in faces:
        if all(_overlap(box_of(face), box_of(other)) < _SAME_FACE for other in kept):
            kept.append(face)
    return kept


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    inner = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(inner / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inner))
