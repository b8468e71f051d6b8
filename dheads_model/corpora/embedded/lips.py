"""Shape of the lips for a pose of the mouth, in pixels of the portrait around the mouth's centre."""

import numpy as np

RING_POINTS = 11
# Where the points of a ring lie between the corners, -1 .. 1: denser towards the corners, as in the mesh.
ALONG = np.sin(np.linspace(-np.pi / 2, np.pi / 2, RING_POINTS)) * 0.9 + np.linspace(-1, 1, RING_POINTS) * 0.1

HALF_WIDTH = 17.5  # of a neutral mouth; the portrait's smile is a quarter wider
WIDEST_GAP = 15.5  # between the inner lips at full opening: 0.36 of the distance of the eyes
UPPER_THICKNESS, LOWER_THICKNESS = 4.6, 6.0
# Share of the gap that the upper lip gives; the rest is the jaw.
UPPER_SHARE = 0.2


def lip_rings(opening: float, spread: float, closure: float, teeth: float, lips: float, mouth: float) -> np.ndarray:
    """Rings `[6, 11, 2]`: outer, middle and inner upper lip, then inner, middle and outer lower lip; x right, y down.

    opening 0..1, spread -1..1, closure 0..1, teeth 0..1 as in articulation.py; lips, mouth: factors of thickness, width.
    """
    rounded, wide = max(-spread, 0.0), max(spread, 0.0)
    half = HALF_WIDTH * mouth * (1 + 0.14 * wide - 0.36 * rounded) * (1 - 0.08 * opening)
    gap = WIDEST_GAP * opening
    u = ALONG
    bulge = 1 - u**2
    thick = 1 + 0.3 * rounded - 0.35 * closure - 0.1 * opening
    upper = UPPER_THICKNESS * lips * thick * (1 - 0.2 * teeth)
    lower = LOWER_THICKNESS * lips * thick * (1 - 0.25 * teeth)
    inner_upper = -UPPER_SHARE * gap * bulge - 1.8 * teeth * bulge
    inner_lower = (1 - UPPER_SHARE) * gap * bulge**0.75 - 0.8 * teeth * bulge
    bow = (1 - np.abs(u) ** 2.0) * (1 - 0.14 * np.exp(-((u / 0.15) ** 2)))
    outer_upper = inner_upper - upper * bow
    outer_lower = inner_lower + lower * (1 - np.abs(u) ** 2.6)
    # Corners of a mouth at rest hang a little.
    droop = 1.2 * u**2 * (1 - 0.6 * wide)
    rows = (
        (1.0, outer_upper),
        (0.97, 0.5 * (outer_upper + inner_upper)),
        (0.93, inner_upper),
        (0.93, inner_lower),
        (0.97, 0.5 * (outer_lower + inner_lower)),
        (1.0, outer_lower),
    )
    return np.stack([np.column_stack([scale * half * u, y + droop]) for scale, y in rows])


def gap_of(opening: np.ndarray, teeth: np.ndarray) -> np.ndarray:
    """Distance of the inner lips at the mouth's middle, in pixels of the portrait."""
    return WIDEST_GAP * opening + teeth
