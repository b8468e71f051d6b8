"""Landmark distances (LMD) between a video and its ground truth: two definitions of this project, three of other papers.

The definitions differ in alignment (mouth position removed or not), aggregation and unit, so their values cannot be
compared with each other. All take landmarks `[T, 68, 2]` in pixels of the crop.
"""

import numpy as np

from dheads_model.faces.landmarks import MOUTH


def mouth_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """LMD (mouth): mean distance of the 20 mouth points `[T, 68, 2]` after subtracting each mouth's centroid, in pixels.

    Chen et al. 2019 (ATVGnet), with the mean over the points instead of their sum.
    """
    ours, theirs = landmarks[:, MOUTH], reference[:, MOUTH]
    ours = ours - ours.mean(axis=1, keepdims=True)
    theirs = theirs - theirs.mean(axis=1, keepdims=True)
    return float(np.linalg.norm(ours - theirs, axis=2).mean())


def face_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """LMD (face): mean distance of all 68 points `[T, 68, 2]` without alignment (shape, pose and position), in pixels."""
    return float(np.linalg.norm(landmarks - reference, axis=2).mean())


def atvgnet_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """LMD of Chen et al. 2019 (ATVGnet): sum of the distances of the 20 mouth points, mouths centred; mean over frames."""
    return len(MOUTH) * mouth_distance(landmarks, reference)


def vico_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """LMD of the ViCo challenge (Zhou et al. 2022): mean absolute difference of the mouth points' coordinates, not centred."""
    return float(np.abs(landmarks[:, MOUTH] - reference[:, MOUTH]).mean())


def fomm_distance(landmarks: np.ndarray, reference: np.ndarray, size: int) -> float:
    """AKD of Siarohin et al. 2019 (FOMM): mean absolute difference of all 68 points' coordinates, scaled to 256 pixels.

    size: side of the crop in pixels.
    """
    return float(np.abs(landmarks - reference).mean() * 256 / size)
