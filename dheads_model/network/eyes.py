"""How far the eyes are closed; the UNet can be conditioned on it.

Speech does not determine blinks, and a network without this condition learns eyes that never close. In training the closure
is measured; in sampling it is drawn (`diffusion/blinks.py`).
"""

import torch
from torch import Tensor

_EYES = slice(36, 42), slice(42, 48)  # iBUG-68
# Closures beyond these are errors of the landmarks.
_RANGE = (-0.5, 1.0)


def eye_closure(landmarks: Tensor, identity_landmarks: Tensor) -> Tensor:
    """Closure of the eyes against the identity frame `[B, 1]`: 0 as open as there, 1 closed; landmarks `[B, 68, 2]`."""
    ratio = _aspect_ratio(landmarks) / _aspect_ratio(identity_landmarks).clamp(min=1e-3)
    return (1 - ratio).clamp(*_RANGE)[:, None]


def _aspect_ratio(landmarks: Tensor) -> Tensor:
    """Height divided by width of the eyes, mean of both, `[B]` (Soukupova and Cech 2016, equation 1)."""
    ratios = []
    for eye in _EYES:
        p = landmarks[:, eye]
        height = torch.linalg.vector_norm(p[:, 1] - p[:, 5], dim=1) + torch.linalg.vector_norm(p[:, 2] - p[:, 4], dim=1)
        ratios.append(height / (2 * torch.linalg.vector_norm(p[:, 0] - p[:, 3], dim=1).clamp(min=1e-6)))
    return torch.stack(ratios).mean(dim=0)
