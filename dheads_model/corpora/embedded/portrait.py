"""The portrait for all actors: image, face mesh, person mask, and control points around the face.

The image is NASA's portrait of Eileen Collins (public domain) from scikit-image. Mesh and mask were computed
once with MediaPipe and GrabCut and are stored beside this file, so that the corpus does not depend on detectors.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay

ASSETS = Path(__file__).parent / "assets"

# Rings of the mesh from the right mouth corner (left in the image) to the left one.
INNER_UPPER = np.array([78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308])
INNER_LOWER = np.array([78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308])
OUTER_UPPER = np.array([61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291])
OUTER_LOWER = np.array([61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291])
# Rings of lip skin between the outer and the inner contour.
MIDDLE_UPPER = np.array([76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306])
MIDDLE_LOWER = np.array([76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306])
UPPER_LIDS = (np.array([246, 161, 160, 159, 158, 157, 173]), np.array([466, 388, 387, 386, 385, 384, 398]))
LOWER_LIDS = (np.array([7, 163, 144, 145, 153, 154, 155]), np.array([249, 390, 373, 374, 380, 381, 382]))
LID_CREASES = (np.array([30, 29, 27, 28, 56]), np.array([260, 259, 257, 258, 286]))
EYE_CORNERS = (np.array([33, 133]), np.array([263, 362]))
BROWS = (
    np.array([70, 63, 105, 66, 107, 46, 53, 52, 65, 55]),
    np.array([300, 293, 334, 296, 336, 276, 283, 282, 295, 285]),
)
FACE_OVAL = np.array(
    [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
     152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109]
)  # fmt: skip
EYE_OUTLINES = (
    np.concatenate([EYE_CORNERS[0][:1], UPPER_LIDS[0], EYE_CORNERS[0][1:], LOWER_LIDS[0][::-1]]),
    np.concatenate([EYE_CORNERS[1][:1], UPPER_LIDS[1], EYE_CORNERS[1][1:], LOWER_LIDS[1][::-1]]),
)
CHIN = 152


@dataclass(frozen=True)
class Portrait:
    """Source of all actors.

    image: uint8 RGB `[512, 512, 3]`. person: float32 `[512, 512]`, 0 background .. 1 person. points: float64 `[N, 2]`,
    the 468 mesh points, then control points. depth: `[N]`, pixels towards the viewer negative. head: `[N]`, 1 where a
    point moves with the head, 0 where it stays. triangles: int `[K, 3]`, those inside the mouth left out; orientation
    `[K]`: the sign of their area.
    """

    image: np.ndarray
    person: np.ndarray
    points: np.ndarray
    depth: np.ndarray
    head: np.ndarray
    triangles: np.ndarray
    orientation: np.ndarray


@cache
def load_portrait() -> Portrait:
    """The portrait with its mesh."""
    from skimage.data import astronaut

    image = astronaut()
    person = cv2.imread(str(ASSETS / "person.png"), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
    # A pixel less at the edge: hair there is mixed with the bright backdrop.
    person = np.clip(1.8 * person - 0.8, 0, 1)
    mesh = np.array(json.loads((ASSETS / "mesh.json").read_text(encoding="utf-8"))["points"])
    hair, neck, still = _surroundings()
    points = np.concatenate([mesh[:, :2], hair, neck, still])
    depth = np.concatenate([mesh[:, 2], np.full(len(hair) + len(neck) + len(still), 10.0)])
    # The hair's far side turns against the face.
    depth[len(mesh) : len(mesh) + len(hair)] = 25.0
    head = np.concatenate([np.ones(len(mesh) + len(hair)), np.full(len(neck), 0.4), np.zeros(len(still))])
    triangles = _triangles(points)
    first, second, third = points[triangles].transpose(1, 0, 2)
    orientation = np.sign(np.cross(second - first, third - first))
    return Portrait(image, person, points, depth, head, triangles, orientation)


def _surroundings() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Control points outside of the mesh, in pixels of the image: around the hair, on the neck, on what stays."""
    turn = np.deg2rad(np.arange(-200, 21, 20))
    hair = np.column_stack([226 + 92 * np.cos(turn), 92 + 88 * np.sin(turn)])
    neck = np.array([[190, 180], [262, 182], [205, 190], [247, 191], [226, 193]], dtype=float)
    turn = np.deg2rad(np.arange(-210, 31, 30))
    ring = np.column_stack([226 + 150 * np.cos(turn), 100 + 125 * np.sin(turn)])
    body = np.array([[165, 178], [290, 178], [180, 205], [226, 212], [272, 205], [130, 210], [320, 210]], dtype=float)
    border = np.array([[x, y] for x in (-120, 40, 226, 400, 640) for y in (-150, 320)], dtype=float)
    return hair, neck, np.concatenate([ring, body, border])


def _triangles(points: np.ndarray) -> np.ndarray:
    triangles = Delaunay(points).simplices
    inner = np.concatenate([INNER_UPPER, INNER_LOWER[-2:0:-1]])
    outline = points[inner].astype(np.float32)
    centres = points[triangles].mean(axis=1)
    ring = np.isin(triangles, inner).all(axis=1)
    inside = np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in centres])
    return triangles[~(ring & inside)]
