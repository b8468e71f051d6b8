"""The 68 landmarks of iBUG 300-W, used by every stage: indices, and the corresponding points of MediaPipe's mesh.

Left and right are the subject's: points 36-41 are the right eye, on the left of the image.
"""

import numpy as np

COUNT = 68
JAW = np.arange(0, 17)
RIGHT_BROW, LEFT_BROW = np.arange(17, 22), np.arange(22, 27)
NOSE = np.arange(27, 36)
RIGHT_EYE, LEFT_EYE = np.arange(36, 42), np.arange(42, 48)
MOUTH = np.arange(48, 68)
NOSE_TIP = 30
OUTER_LIPS, INNER_LIPS = np.arange(48, 60), np.arange(60, 68)

# Nose base and eye corners move least in speech (DinoMan/face-processor).
STABLE = np.array([33, 36, 39, 42, 45])

# Index in MediaPipe's face mesh of each of the 68 points, chosen by anatomy and checked visually. The mesh has no
# points at exactly iBUG's positions on the jaw: the nearest ones along the face oval are used.
MESH_OF_POINT = np.array(
    [127, 234, 93, 132, 58, 172, 150, 176, 152, 400, 379, 397, 288, 361, 323, 454, 356]  # jaw
    + [70, 63, 105, 66, 107, 336, 296, 334, 293, 300]  # brows
    + [168, 197, 195, 4, 98, 97, 2, 326, 327]  # nose
    + [33, 160, 158, 133, 153, 144]  # right eye
    + [362, 385, 387, 263, 373, 380]  # left eye
    + [61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181]  # outer lips
    + [78, 82, 13, 312, 308, 317, 14, 87]  # inner lips
)


def eye_distance(landmarks: np.ndarray) -> np.ndarray:
    """Distance of the two eye centres, `[...]` from landmarks `[..., 68, 2]`, in their unit."""
    right = landmarks[..., RIGHT_EYE, :].mean(axis=-2)
    left = landmarks[..., LEFT_EYE, :].mean(axis=-2)
    return np.linalg.norm(left - right, axis=-1)


def box_of(landmarks: np.ndarray) -> np.ndarray:
    """Bounding box x0, y0, x1, y1, `[..., 4]`, of landmarks `[..., 68, 2]`."""
    return np.concatenate([landmarks.min(axis=-2), landmarks.max(axis=-2)], axis=-1)
