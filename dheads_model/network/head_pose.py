"""Pose of the head against the identity frame; the UNet can be conditioned on it.

Speech hardly determines it, and a network without this condition predicts the mean of all poses, a head that hardly moves. In
training the pose is measured; in sampling it is drawn (`diffusion/head_motion.py`).
"""

import torch
from torch import Tensor

# Turn, nod, tilt, size, x, y: as in `metrics.signals.pose_curves`.
POSE_NUMBERS = 6
# About the standard deviations against the first frame in 417 clips of 11 real speakers, aligned and cropped.
POSE_SPREAD = (0.05, 0.05, 0.017, 0.017, 0.026, 0.023)
# Poses farther than this many standard deviations are mostly errors of the landmarks.
_FARTHEST = 4.0
_RIGHT_EYE, _LEFT_EYE, _NOSE_TIP = (36, 39), (42, 45), 30  # iBUG-68
# What a mirrored face has with the other sign: turn, tilt and x.
_MIRRORED = (-1.0, 1.0, -1.0, 1.0, -1.0, 1.0)


def head_pose(landmarks: Tensor, identity_landmarks: Tensor) -> Tensor:
    """Pose against the identity frame `[B, POSE_NUMBERS]`, from landmarks `[B, 68, 2]` of both frames.

    turn, nod: position of the nose tip across and along the face, in eye distances. tilt: radians. size: eye distance, x, y:
    centre of the eyes, in the identity frame's eye distance.
    """
    pose, distance = _pose(landmarks)
    reference, unit = _pose(identity_landmarks)
    change = pose - reference
    change = torch.cat([change[:, :3], (distance / unit - 1)[:, None], change[:, 3:] / unit[:, None]], dim=1)
    farthest = _FARTHEST * torch.tensor(POSE_SPREAD).to(change)
    return change.clamp(-farthest, farthest)


def mirrored_pose(pose: Tensor) -> Tensor:
    """Pose `[B, POSE_NUMBERS]` of the mirrored frames."""
    return pose * torch.tensor(_MIRRORED).to(pose)


def _pose(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """(turn, nod, tilt, x, y) `[B, 5]`, and the eye distance `[B]`, in pixels."""
    right, left = (landmarks[:, list(eye)].mean(dim=1) for eye in (_RIGHT_EYE, _LEFT_EYE))
    centre, across = (right + left) / 2, left - right
    distance = torch.linalg.vector_norm(across, dim=1).clamp(min=1e-6)
    unit, nose = across / distance[:, None], (landmarks[:, _NOSE_TIP] - centre) / distance[:, None]
    turn = (nose * unit).sum(dim=1)
    nod = nose[:, 1] * unit[:, 0] - nose[:, 0] * unit[:, 1]
    tilt = torch.atan2(across[:, 1], across[:, 0])
    return torch.cat([torch.stack([turn, nod, tilt], dim=1), centre], dim=1), distance
