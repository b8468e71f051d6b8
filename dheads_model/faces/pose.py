"""Approximate head pose from 68 landmarks and a generic face model."""

import cv2
import numpy as np

# Nose tip, chin, outer eye corners, mouth corners of a generic face; x to the subject's left, y up, z to the camera,
# in arbitrary units (the six-point model that is common in head pose tutorials).
_POINTS = [30, 8, 36, 45, 48, 54]
_MODEL = np.array(
    [(0, 0, 0), (0, -330, -65), (-225, 170, -135), (225, 170, -135), (-150, -150, -125), (150, -150, -125)],
    dtype=np.float64,
)


def head_pose(landmarks: np.ndarray, width: int, height: int) -> np.ndarray:
    """Yaw, pitch and roll in degrees `[T, 3]` of landmarks `[T, 68, 2]` in pixels of an image `width` x `height`.

    Positive: to the subject's left, up, towards the subject's left shoulder. A focal length equal to the image's width is
    assumed, and a generic face: sufficient for histograms and outliers, accurate to about 10 degrees. NaN if no pose fits.
    """
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], dtype=np.float64)
    return np.array([_pose(points[_POINTS].astype(np.float64), camera) for points in landmarks]).reshape(-1, 3)


def _pose(points: np.ndarray, camera: np.ndarray) -> np.ndarray:
    # Image coordinates point down and away from the viewer; the model is rotated about x accordingly.
    model = _MODEL * (1, -1, -1)
    # Initialised with a frontal face: six noisy points have a second, rotated solution that is nearly as good.
    start, distance = np.zeros(3), camera[0, 0] * 340 / max(np.linalg.norm(points[0] - points[1]), 1e-6)
    fits, turn, _ = cv2.solvePnP(
        model, points, camera, None, start, np.array([0.0, 0.0, distance]), True, cv2.SOLVEPNP_ITERATIVE
    )
    if not fits:
        return np.full(3, np.nan)
    matrix = cv2.Rodrigues(turn)[0]
    yaw = -np.arctan2(matrix[0, 2], matrix[2, 2])
    pitch = np.arcsin(np.clip(matrix[1, 2], -1, 1))
    roll = np.arctan2(matrix[1, 0], matrix[1, 1])
    return np.degrees([yaw, pitch, roll])
