"""Landmark distance (LMD) between a video and its ground truth, in pixels of the crop."""

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
