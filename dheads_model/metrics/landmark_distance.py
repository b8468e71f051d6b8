"""Landmark distances (LMD) between a video and its ground truth: two of this project, three as others define them.

Those of others differ in what they leave out (the mouth's place or not), what they add up and in what unit, so figures of
one say nothing about another's. All take landmarks `[T, 68, 2]` in pixels of the crop.
"""

import numpy as np

from dheads_model.faces.landmarks import MOUTH


def mouth_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """Mean distance of the 20 mouth points `[T, 68, 2]` after subtracting each mouth's centroid: shape, not place.

    Chen et al. 2019 (ATVGnet), with the mean over the points where they sum.
    """
    ours, theirs = landmarks[:, MOUTH], reference[:, MOUTH]
    ours = ours - ours.mean(axis=1, keepdims=True)
    theirs = theirs - theirs.mean(axis=1, keepdims=True)
    return float(np.linalg.norm(ours - theirs, axis=2).mean())


def face_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """Mean distance of all 68 points `[T, 68, 2]` where they lie: shape, pose and place."""
    return float(np.linalg.norm(landmarks - reference, axis=2).mean())


def atvgnet_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """LMD of Chen et al. 2019 (ATVGnet): the distances of the 20 mouth points, mouths centred, added up; mean over frames."""
    return len(MOUTH) * mouth_distance(landmarks, reference)


def vico_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """LMD of the ViCo challenge (Zhou et al. 2022): mean absolute difference of the mouth points' coordinates in place."""
    return float(np.abs(landmarks[:, MOUTH] - reference[:, MOUTH]).mean())


def fomm_distance(landmarks: np.ndarray, reference: np.ndarray, size: int) -> float:
    """AKD of Siarohin et al. 2019 (FOMM): mean absolute difference of all 68 points' coordinates, in a picture of 256.

    size: side of the crop in pixels.
    """
    return float(np.abs(landmarks - reference).mean() * 256 / size)
