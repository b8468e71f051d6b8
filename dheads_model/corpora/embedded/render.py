"""Rendering of an actor's frames: the face mesh is deformed per frame, and the portrait's texture is warped per triangle."""

from dataclasses import dataclass

import cv2
import numpy as np

from dheads_model.corpora.embedded import portrait as mesh
from dheads_model.corpora.embedded.actor import Actor
from dheads_model.corpora.embedded.articulation import Articulation
from dheads_model.corpora.embedded.lips import LOWER_THICKNESS, UPPER_SHARE, WIDEST_GAP, lip_rings
from dheads_model.corpora.embedded.motion import Motion
from dheads_model.corpora.embedded.portrait import Portrait

WIDTH, HEIGHT = 480, 360
SCALE = 1.45  # pixels of the image per pixel of the portrait
EYES_Y = 140  # height of the eyes in the image
LIP_RINGS = np.stack(
    [
        mesh.OUTER_UPPER,
        mesh.MIDDLE_UPPER,
        mesh.INNER_UPPER,
        mesh.INNER_LOWER,
        mesh.MIDDLE_LOWER,
        mesh.OUTER_LOWER,
    ]
)
# Between the upper inner lip of the smiling portrait and the line of its closed lips.
_LINE_BELOW_UPPER_LIP = 2.6


@dataclass(frozen=True)
class Stage:
    """Constants of a clip: the actor's face at rest and the weights with which its points follow lips and jaw."""

    portrait: Portrait
    actor: Actor
    centre: np.ndarray
    lip_indices: np.ndarray
    rest: np.ndarray
    follow: np.ndarray
    jaw: np.ndarray
    neutral_lips: np.ndarray
    mouth_texture: np.ndarray
    wall: np.ndarray


def set_stage(portrait: Portrait, actor: Actor) -> Stage:
    """Neutralise the portrait's smile for this actor and compute the constants of the clip."""
    points = actor.points
    corners = points[[61, 291]].mean(axis=0)
    centre = np.array([corners[0], points[13, 1] + _LINE_BELOW_UPPER_LIP])
    # Rings share the corners of the mouth: each point is set once.
    lip_indices, first = np.unique(LIP_RINGS.reshape(-1), return_index=True)
    neutral = lip_rings(0, 0, 0, 0, actor.lips, actor.mouth).reshape(-1, 2)[first] + centre
    follow = _followers(points, points[lip_indices], lip_indices)
    rest = points + follow @ (neutral - points[lip_indices])
    rest[lip_indices] = neutral
    below = np.clip((rest[:, 1] - centre[1]) / 10, 0, 1)
    beside = np.clip(1.15 - (np.abs(rest[:, 0] - centre[0]) / 46) ** 2, 0, 1)
    chin = rest[mesh.CHIN, 1]
    beyond = np.clip(1 - (rest[:, 1] - chin) / 22, 0, 1)
    jaw = np.minimum(below * beside, 1) * beyond * (portrait.head > 0.3) * 0.92
    return Stage(
        portrait, actor, centre, lip_indices, rest, follow, jaw, neutral - centre, _mouth_texture(), _wall(actor.background)
    )  # fmt: skip


def control_points(stage: Stage, mouth: Articulation, motion: Motion, frame: int) -> np.ndarray:
    """All mesh and control points of a frame `[N, 2]`, in pixels of the portrait."""
    actor = stage.actor
    pose = (mouth.opening[frame], mouth.spread[frame], mouth.closure[frame], mouth.teeth[frame])
    _, first = np.unique(LIP_RINGS.reshape(-1), return_index=True)
    lips = lip_rings(*pose, actor.lips, actor.mouth).reshape(-1, 2)[first]
    points = stage.rest + (1 - stage.jaw[:, None]) * (stage.follow @ (lips - stage.neutral_lips))
    points[:, 1] += stage.jaw * (1 - UPPER_SHARE) * WIDEST_GAP * pose[0]
    points[stage.lip_indices] = lips + stage.centre
    _close_eyes(points, motion.blink[frame])
    return _turn_head(points, stage.portrait, motion, frame)


def render(stage: Stage, mouth: Articulation, motion: Motion, frame: int) -> np.ndarray:
    """One image uint8 RGB `[360, 480, 3]`."""
    points = control_points(stage, mouth, motion, frame)
    canvas = to_canvas(points)
    source = _source_map(canvas, stage.portrait)
    warped = cv2.remap(
        stage.actor.texture, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0)
    )
    image = _over(warped, stage.wall)
    _draw_mouth(image, canvas, stage, mouth, frame)
    return image


def to_canvas(points: np.ndarray) -> np.ndarray:
    """Pixels of the portrait to pixels of the image."""
    return (points - [226, 102]) * SCALE + [WIDTH / 2, EYES_Y]


def _followers(points: np.ndarray, lips: np.ndarray, lip_indices: np.ndarray) -> np.ndarray:
    """Weights `[N, L]` with which the skin follows the lips; they decrease with the distance."""
    distance = np.linalg.norm(points[:, None] - lips[None], axis=2)
    weights = np.exp(-((distance / 9) ** 2))
    reach = np.exp(-((np.maximum(distance.min(axis=1) - 2, 0) / 17) ** 2))
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12) * reach[:, None]


def _close_eyes(points: np.ndarray, blink: float) -> None:
    """Lower the upper lids towards the lower ones by `blink` 0..1, and the crease above by a part of it."""
    if blink <= 0:
        return
    for upper, lower, crease, corners in zip(
        mesh.UPPER_LIDS, mesh.LOWER_LIDS, mesh.LID_CREASES, mesh.EYE_CORNERS, strict=True
    ):
        rim = points[np.concatenate([corners, lower])]
        rim = rim[np.argsort(rim[:, 0])]
        goal = np.interp(points[upper, 0], rim[:, 0], rim[:, 1])
        height = float((goal - points[upper, 1]).max())
        points[upper, 1] += blink * (goal - points[upper, 1] - 0.4)
        points[crease, 1] += 0.4 * blink * height


def _turn_head(points: np.ndarray, portrait: Portrait, motion: Motion, frame: int) -> np.ndarray:
    """Rotate points about the neck by small angles (the mesh has a depth), then shift; torso points are fixed."""
    pivot = np.array([226.0, 165.0])
    yaw, pitch, roll = motion.yaw[frame], motion.pitch[frame], motion.roll[frame]
    local = points - pivot
    x = local[:, 0] * np.cos(yaw) - portrait.depth * np.sin(yaw)
    y = local[:, 1] * np.cos(pitch) - portrait.depth * np.sin(pitch)
    turned = np.column_stack([x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)])
    shift = np.array([motion.shift_x[frame], motion.shift_y[frame]]) / SCALE
    moved = points + portrait.head[:, None] * (turned + pivot + shift - points)
    moved[:, 1] += 0.5 * motion.breath[frame]
    return moved


def _source_map(canvas: np.ndarray, portrait: Portrait) -> np.ndarray:
    """Position in the portrait of every pixel of the image, float32 `[H, W, 2]`."""
    labels = np.zeros((HEIGHT, WIDTH), dtype=np.int32)
    corners = canvas[portrait.triangles]
    along, across = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0]
    # Where skin folds away (lips that close, lids that shut) triangles shrink to slivers or turn over: they are drawn
    # first, so that their neighbours cover them.
    fixed_point = np.round(corners * 16).astype(np.int32)
    for label in np.argsort(area * portrait.orientation, kind="stable").tolist():
        cv2.fillConvexPoly(labels, fixed_point[label], label, shift=4)
    here = portrait.points[portrait.triangles]
    # A triangle without area has no inside to map: it takes the place of its first corner.
    flat = np.abs(area) < 1e-9
    area = np.where(flat, 1, area)
    inverse = np.stack([across[:, 1], -across[:, 0], -along[:, 1], along[:, 0]], axis=1).reshape(-1, 2, 2)
    inverse = np.where(flat[:, None, None], 0, inverse / area[:, None, None])
    linear = np.stack([here[:, 1] - here[:, 0], here[:, 2] - here[:, 0]], axis=2) @ inverse
    offset = here[:, 0] - (linear @ corners[:, 0, :, None])[..., 0]
    x = np.arange(WIDTH, dtype=np.float32)[None, :]
    y = np.arange(HEIGHT, dtype=np.float32)[:, None]
    source = np.empty((HEIGHT, WIDTH, 2), dtype=np.float32)
    for axis in (0, 1):
        columns = (linear[:, axis, 0], linear[:, axis, 1], offset[:, axis])
        right, down, start = (np.take(column.astype(np.float32), labels) for column in columns)
        right *= x
        down *= y
        right += down
        np.add(right, start, out=source[..., axis])
    return source


def _over(warped: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """An image with alpha uint8 `[H, W, 4]` over the wall uint8 `[H, W, 3]`."""
    colours, alpha = cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB), warped[..., 3]
    image = wall.copy()
    cv2.copyTo(colours, (alpha == 255).astype(np.uint8), image)
    # Only the outline of the person is both.
    edge = np.nonzero((alpha > 0) & (alpha < 255))
    weight = alpha[edge].astype(np.uint16)[:, None]
    image[edge] = (colours[edge] * weight + wall[edge] * (255 - weight) + 127) // 255
    return image


def _wall(colour: np.ndarray) -> np.ndarray:
    """A green wall, a little darker towards the edges, uint8."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return np.clip(colour * (1.03 - 0.1 * (x**2 + y**2))[..., None], 0, 255).round().astype(np.uint8)


def _draw_mouth(image: np.ndarray, canvas: np.ndarray, stage: Stage, mouth: Articulation, frame: int) -> None:
    """Fill the opening between the lips: dark, with upper teeth that keep to the skull and a tongue that goes with the jaw."""
    ring = canvas[np.concatenate([mesh.INNER_UPPER, mesh.INNER_LOWER[-2:0:-1]])]
    _draw_lip_line(image, canvas)
    if mouth.closure[frame] > 0.95 or np.ptp(ring[5::10, 1]) < 0.4:
        return
    x0, y0 = np.floor(ring.min(axis=0)).astype(int) - 2
    x1, y1 = np.ceil(ring.max(axis=0)).astype(int) + 3
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(mask, [np.round((ring - [x0, y0]) * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    # The skull's place: the mouth's middle as the head carries it, without the lips' own movement.
    base = to_canvas(stage.centre[None])[0] + canvas[2] - to_canvas(stage.rest[2][None])[0]
    scale = SCALE * stage.actor.mouth / 4
    shift = base - np.array([x0, y0]) - scale * np.array([_TEXTURE_WIDTH / 2, _TEXTURE_LINE])
    place = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    size = (mask.shape[1], mask.shape[0])
    inside = cv2.warpAffine(stage.mouth_texture, place, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    inside = inside.astype(np.float32)
    depth = (y1 - base[1]) / SCALE
    rows, columns = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    tongue_y = ring[:, 1].max() - 0.2 * LOWER_THICKNESS
    tongue = np.exp(-(((columns - base[0]) / (11 * SCALE)) ** 2) - ((rows - tongue_y) / (3.6 * SCALE)) ** 2)
    strength = np.clip((depth - 5) / 7, 0, 0.85)
    inside += (strength * tongue)[..., None] * (np.array([158, 78, 78], np.float32) - inside)
    weight = cv2.GaussianBlur(mask, (0, 0), 0.6).astype(np.float32)[..., None] / 255
    part = image[y0:y1, x0:x1].astype(np.float32)
    image[y0:y1, x0:x1] = np.round(part + weight * (inside - part)).astype(np.uint8)


def _draw_lip_line(image: np.ndarray, canvas: np.ndarray) -> None:
    """The shadow where the lips meet."""
    x0, y0 = np.floor(canvas[mesh.OUTER_UPPER].min(axis=0)).astype(int) - 3
    x1, y1 = np.ceil(canvas[mesh.OUTER_LOWER].max(axis=0)).astype(int) + 4
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    line = np.round((canvas[mesh.INNER_UPPER] - [x0, y0]) * 16).astype(np.int32)
    cv2.polylines(mask, [line], False, 150, 1, cv2.LINE_AA, shift=4)
    weight = cv2.GaussianBlur(mask, (0, 0), 0.5).astype(np.float32)[..., None] / 255
    part = image[y0:y1, x0:x1].astype(np.float32)
    image[y0:y1, x0:x1] = np.round(part * (1 - weight * np.array([0.55, 0.7, 0.7], np.float32))).astype(np.uint8)


_TEXTURE_WIDTH, _TEXTURE_HEIGHT, _TEXTURE_LINE = 200, 120, 24  # four texture pixels a pixel of the portrait


def _mouth_texture() -> np.ndarray:
    """Inside of a mouth, uint8 RGB: darkness with a row of upper teeth whose edge lies a little below the lips' line."""
    image = np.full((_TEXTURE_HEIGHT, _TEXTURE_WIDTH, 3), (46, 16, 17), np.uint8)
    widths = (11, 13, 14, 17, 17, 14, 13, 11)
    left = _TEXTURE_WIDTH // 2 - sum(widths) // 2
    for number, width in enumerate(widths):
        side = abs(number - 3.5) / 3.5
        shade = 1 - 0.3 * side**1.5
        bottom = _TEXTURE_LINE + round(20 - 7 * side)
        colour = tuple(int(shade * value) for value in (234, 224, 206))
        cv2.rectangle(image, (left, -10), (left + width - 2, bottom), colour, -1)
        left += width
    return cv2.GaussianBlur(image, (0, 0), 2.0)
