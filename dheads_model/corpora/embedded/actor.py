"""Distinct people from one portrait: geometry, skin, hair, clothes, lighting and voice, drawn by (seed, actor)."""

from dataclasses import dataclass

import cv2
import numpy as np

from dheads_model.corpora.embedded.clips import FIRST_ACTOR
from dheads_model.corpora.embedded.portrait import (
    BROWS,
    CHIN,
    FACE_OVAL,
    INNER_LOWER,
    INNER_UPPER,
    OUTER_LOWER,
    OUTER_UPPER,
    Portrait,
)
from dheads_model.corpora.embedded.speech import Voice

# Skin tones and hair colours in CIE Lab (L 0..100), spread over what people have.
SKIN = np.array(
    [[80, 10, 14], [74, 13, 19], [68, 14, 22], [60, 15, 25], [50, 15, 23], [41, 13, 18], [34, 11, 13]], float
)
HAIR = np.array(
    [[22, 3, 4], [30, 8, 14], [40, 13, 24], [58, 9, 30], [70, 5, 30], [62, 1, 3], [34, 22, 26], [14, 1, 0]], float
)
CLOTHES = np.array(
    [[30, 0, -3], [45, -3, -30], [55, 30, 10], [70, 0, 0], [35, -18, 10], [50, 10, -30], [60, 5, 40]], float
)
GREENS = np.array([[118, 172, 120], [96, 160, 104], [132, 180, 126]], float)


@dataclass(frozen=True)
class Actor:
    """One person. texture: uint8 RGBA `[512, 512, 4]`. points: `[N, 2]` rest shape with the portrait's smile.

    lips: thickness, 1 as in the portrait. mouth: width, 1 likewise. background: uint8 RGB of the wall.
    """

    texture: np.ndarray
    points: np.ndarray
    lips: float
    mouth: float
    voice: Voice
    background: np.ndarray


def make_actor(portrait: Portrait, speaker: str, seed: int) -> Actor:
    """The actor of a number from 1001 on; even ones are women. Raises nothing: every number has one."""
    number = int(speaker) - FIRST_ACTOR
    generator = np.random.default_rng([seed, number])
    woman = number % 2 == 0
    return Actor(
        texture=_texture(portrait, generator, woman),
        points=_shape(portrait, generator, woman),
        lips=float(generator.uniform(0.8, 1.3)),
        mouth=float(generator.uniform(0.9, 1.1)),
        voice=_voice(generator, woman),
        background=GREENS[generator.integers(len(GREENS))] + generator.uniform(-8, 8, 3),
    )


def _voice(generator: np.random.Generator, woman: bool) -> Voice:
    variant = f"f{generator.integers(1, 6)}" if woman else f"m{generator.integers(1, 9)}"
    pitch = int(generator.integers(45, 75) if woman else generator.integers(15, 50))
    return Voice(f"en-us+{variant}", int(generator.integers(135, 175)), pitch)


def _shape(portrait: Portrait, generator: np.random.Generator, woman: bool) -> np.ndarray:
    """Control points of another face: smooth changes of width, jaw, chin, nose, eyes and forehead."""
    points = portrait.points.copy()
    x, y = (points - points[168]).T  # from the root of the nose
    lower = np.clip(y / 75, 0, 1.3)
    upper = np.clip(-y / 40, 0, 2.0)
    head = portrait.head
    draw = generator.uniform
    # The lower face grows less than the whole, or chins run away.
    width = (
        1 + draw(-0.1, 0.12) + lower * (draw(-0.12, 0.06) if woman else draw(-0.03, 0.12)) + upper * draw(-0.04, 0.05)
    )
    height = 1 + lower * draw(-0.08, 0.1) + upper * draw(-0.06, 0.12)
    near_nose = np.exp(-((x / 14) ** 2) - ((y - 26) / 18) ** 2)
    width = width + near_nose * draw(-0.2, 0.3)
    moved_y = y * height + near_nose * draw(-3, 4)
    moved_x = x * width
    size, apart, tilt = draw(0.85, 1.22), draw(-2.5, 2.5), draw(-0.06, 0.06)
    for side in (-1, 1):
        eye = np.exp(-(((x - 30 * side) / 16) ** 2) - ((y + 2) / 10) ** 2)
        moved_x += eye * (side * apart + (size - 1) * (x - 30 * side))
        moved_y += eye * ((size - 1) * (y + 2) * 1.3 + side * tilt * (x - 30 * side))
    brows = np.exp(-(((y + 22) / 9) ** 2) - ((np.abs(x) - 30) / 28) ** 2)
    moved_y += brows * draw(-3.5, 3.0)
    shaped = np.column_stack([moved_x, moved_y]) + portrait.points[168]
    return points + head[:, None] * (shaped - points)


def _texture(portrait: Portrait, generator: np.random.Generator, woman: bool) -> np.ndarray:
    """The portrait's image with other colours and light, its person mask as alpha."""
    image = cv2.cvtColor(portrait.image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    skin, hair, clothes, beard, lips = _masks(portrait)
    tone = SKIN[generator.integers(len(SKIN))] + generator.uniform(-4, 4, 3) * [1, 0.5, 0.8]
    colour = HAIR[generator.integers(len(HAIR))] + generator.uniform(-4, 4, 3) * [1, 0.5, 1]
    result = _recolour(image, skin, tone, contrast=float(generator.uniform(0.75, 1.0)))
    result = _recolour(result, hair, colour, contrast=float(generator.uniform(0.7, 1.1)))
    result = _recolour(result, clothes, CLOTHES[generator.integers(len(CLOTHES))], contrast=0.9)
    # Lips redder and darker than the skin around them.
    redness = generator.uniform(0.5, 1.3) if woman else generator.uniform(0.2, 0.7)
    result += lips[..., None] * np.array([-0.13 * tone[0], 15.0, 3.0]) * redness
    if not woman:
        stubble = float(generator.choice([0.0, 0.12, 0.25, 0.45]))
        result += (stubble * beard)[..., None] * (np.array([colour[0] * 0.8, 2, 2]) - result) * 0.8
    rgb = cv2.cvtColor(result.astype(np.float32), cv2.COLOR_LAB2RGB)
    rgb = _light(rgb, generator)
    alpha = portrait.person
    return np.dstack([np.clip(255 * rgb, 0, 255), 255 * alpha]).round().astype(np.uint8)


def _recolour(lab: np.ndarray, mask: np.ndarray, target: np.ndarray, contrast: float) -> np.ndarray:
    """Shift a region's mean colour to `target`, keeping its shading scaled by `contrast` and by the new lightness."""
    weight = mask[..., None]
    mean = (lab * weight).sum(axis=(0, 1)) / max(float(mask.sum()), 1.0)
    scale = np.array([contrast * np.sqrt(target[0] / mean[0]), 0.9, 0.9])
    return lab + weight * (target + scale * (lab - mean) - lab)


def _light(rgb: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A soft light from one side, and the camera's exposure and white balance."""
    angle, strength = generator.uniform(-np.pi, np.pi), generator.uniform(0.0, 0.28)
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    ramp = np.clip((np.cos(angle) * (x - 226) + np.sin(angle) * (y - 110)) / 80, -1.2, 1.2)
    balance = 1 + generator.uniform(-0.05, 0.05, 3)
    lit = rgb * (1 + strength * ramp[..., None]) * balance * generator.uniform(0.9, 1.08)
    return np.clip(lit, 0, 1) ** generator.uniform(0.9, 1.12)


def _masks(portrait: Portrait) -> tuple[np.ndarray, ...]:
    """Soft masks 0..1 `[512, 512]` of skin, hair with brows, clothes, where a beard grows, and lips."""
    lab = cv2.cvtColor(portrait.image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    oval = _polygon(portrait.points[FACE_OVAL])
    y, x = np.mgrid[:512, :512]
    cheek = lab[118:130, 190:205].reshape(-1, 3).mean(axis=0)
    distance = np.abs(lab - cheek) @ np.array([0.3, 1.0, 1.0])
    near = cv2.dilate(oval, np.ones((25, 25), np.uint8))
    reddish = (lab[..., 1] > 5) & (distance < 30)
    neck = _polygon(np.array([[184, 140], [186, 196], [264, 196], [270, 140]])) * (lab[..., 0] > 30)
    ears = near * reddish * (y > 95)
    skin = np.maximum.reduce([oval * (lab[..., 0] > 28), ears, neck]) * (y < 196) * portrait.person
    above = portrait.person * (y < 150) * (np.abs(x - 226) < 95)
    hair = above * (1 - skin) * (1 - oval * (y > 92))
    hair = np.maximum(hair, oval * (y < 78) * (lab[..., 2] > 17) * (lab[..., 0] < 62))
    brows = sum(_polygon(cv2.convexHull(portrait.points[brow].astype(np.float32))[:, 0]) for brow in BROWS)
    hair = np.maximum(hair, 0.6 * brows * (lab[..., 0] < 62))
    skin = skin * (1 - hair)
    clothes = portrait.person * (y > 150) * (lab[..., 1] > 30) * (lab[..., 2] > 25)
    chin = portrait.points[CHIN]
    lower = _polygon(portrait.points[FACE_OVAL]) * (y > chin[1] - 40)
    mouth = _polygon(portrait.points[np.concatenate([OUTER_UPPER, OUTER_LOWER[-2:0:-1]])])
    teeth = _polygon(portrait.points[np.concatenate([INNER_UPPER, INNER_LOWER[-2:0:-1]])])
    beard = lower * (1 - cv2.dilate(mouth, np.ones((3, 3), np.uint8))) * np.clip((y - (chin[1] - 42)) / 26, 0, 1)
    soft = [cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.6) for mask in (skin, hair, clothes, beard)]
    return *soft, cv2.GaussianBlur(mouth * (1 - teeth), (0, 0), 0.8)


def _polygon(points: np.ndarray) -> np.ndarray:
    mask = np.zeros((512, 512), np.float32)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1.0)
    return mask
