"""Head motion drawn for a video: the pose of the head against the identity frame."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LARGEST = 2.0
# Turn and nod in 417 clips of 11 real speakers, over 5 to 28 frames at 25 frames/s: a critically damped process of this
# standard deviation (in eye distances) and time (in frames).
_SPREAD, _FRAMES = 0.055, 10.0
# In these clips tilt follows the turn (correlation 0.81) and the size of the face the nod (-0.73), in eye distances.
_TILT_OF_TURN, _SIZE_OF_NOD = 0.28, -0.28
_DRAWS = 0x4EAD  # separates these draws from others with the same seed


def head_poses(seed: int, amount: float) -> Iterator[tuple[float, ...]]:
    """Pose of the head in each frame of a video without end, as `network.head_pose` measures it, a function of seed and amount.

    amount: multiple of the motion of real speakers, 0 for the identity frame's pose, which the first frame always has. The
    position stays, because a crop follows the head.
    """
    if amount == 0:
        while True:
            yield (0.0,) * 6
    import numpy as np  # not above: planning reads the settings that name this module

    generator = np.random.default_rng([seed, _DRAWS])
    for turn, nod in zip(_wander(generator), _wander(generator), strict=True):
        yield amount * turn, amount * nod, amount * _TILT_OF_TURN * turn, amount * _SIZE_OF_NOD * nod, 0.0, 0.0


def _wander(generator: "np.random.Generator") -> Iterator[float]:
    """Critically damped motion around 0 that begins there, already moving: two equal first-order processes in a row."""
    kept = math.exp(-1 / _FRAMES)
    # The variance of the second for innovations of variance 1 is (1 + k^2) / (1 - k^2)^3.
    scale = _SPREAD * math.sqrt((1 - kept**2) ** 3 / (1 + kept**2))
    push, value = scale / math.sqrt(1 - kept**2) * generator.standard_normal(), 0.0
    while True:
        yield value
        value = kept * value + push
        push = kept * push + scale * generator.standard_normal()
