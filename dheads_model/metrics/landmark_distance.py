"""Landmark distances (LMD) between a video and its ground truth: three definitions of this project, three of other papers.

The definitions differ in alignment (mouth position removed or not), aggregation and unit, so their values cannot be
compared with each other. All take landmarks `[T, 68, 2]` in pixels of the crop.
"""

import numpy as np

from dheads_model.faces.landmarks import MOUTH
from dheads_model.metrics.soft_dtw import soft_dtw

# Of the alignment in time: frames by which mouths may be early or late, and the softness in pixels of a crop of 128.
ALIGNED_WITHIN = 5
SOFTNESS = 0.1


def mouth_distance(landmarks: np.ndarray, reference: np.ndarray) -> float:
    """LMD (mouth): mean distance of the 20 mouth points `[T, 68, 2]` after subtracting each mouth's centroid, in pixels.

    Chen et al. 2019 (ATVGnet), with the mean over the points instead of their sum.
    """
    ours, theirs = _centred(landmarks[:, MOUTH]), _centred(reference[:, MOUTH])
    return float(np.linalg.norm(ours - theirs, axis=2).mean())


def aligned_mouth_distance(landmarks: np.ndarray, reference: np.ndarray, size: int) -> float:
    """LMD (mouth) along the expected soft-DTW alignment of both videos (Cuturi and Blondel 2017), in pixels.

    The mean distance of the centred mouths over the cells of the alignment, weighted with the probability that a path visits
    them. A mouth may be up to ALIGNED_WITHIN frames early or late at no cost, so what remains is the distance of lip shapes
    in the right order. Never negative, unlike the soft minimum itself. size: side of the crop in pixels, which scales the
    softness.
    """
    ours, theirs = (_centred(points[:, MOUTH]).astype(np.float64) for points in (landmarks, reference))
    costs = np.linalg.norm(ours[:, None] - theirs[None], axis=3).mean(axis=2)
    _, visited = soft_dtw(costs, SOFTNESS * size / 128, ALIGNED_WITHIN)
    return float((visited * costs).sum() / visited.sum())


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


def _centred(points: np.ndarray) -> np.ndarray:
    """Points `[T, K, 2]` minus the centroid of each frame."""
    return points - points.mean(axis=1, keepdims=True)
