"""The mouth region that Imperial College's word readers are trained on: 96 x 96 grey pixels of a face aligned to a mean face.

Facts: repository mpc001/Lipreading_using_Temporal_Convolutional_Networks, folder `preprocessing` (Ma et al. 2022).
"""

import cv2
import numpy as np

from dheads_model.faces.align import MEAN_FACE_SIZE, apply
from dheads_model.faces.landmarks import MOUTH

SIDE = 96
# Bridge and base of the nose, corners of the eyes and of the mouth.
ALIGNED = np.array([28, 33, 36, 39, 42, 45, 48, 54])
_FARTHEST = 6  # frames on each side over which a face's shape is averaged


def mouth_regions(frames: np.ndarray, landmarks: np.ndarray, mean_face: np.ndarray) -> np.ndarray | None:
    """Mouth regions uint8 `[T, 96, 96]` of frames uint8 RGB `[T, H, W, 3]` with landmarks `[T, 68, 2]` in their pixels.

    mean_face: landmarks float64 `[68, 2]` in a picture of 256 x 256 pixels. The shape of a face is averaged over up to
    13 frames, its position is not. Outside of the frame its border is repeated: a face crop ends where a frame of LRW goes
    on. None where no similarity transform is found in some frame.
    """
    regions = np.empty((len(frames), SIDE, SIDE), dtype=np.uint8)
    for t, frame in enumerate(frames):
        shape = _smoothed(landmarks, t)
        # Least median of squares draws points at random.
        cv2.setRNGSeed(0)
        matrix, _ = cv2.estimateAffinePartial2D(shape[ALIGNED], mean_face[ALIGNED], method=cv2.LMEDS)
        if matrix is None or not np.isfinite(matrix).all():
            return None
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        face = cv2.warpAffine(
            grey, matrix, (MEAN_FACE_SIZE, MEAN_FACE_SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        half = SIDE // 2
        centre = apply(matrix, shape)[MOUTH].mean(axis=0).clip(half, MEAN_FACE_SIZE - half)
        left, top = np.rint(centre).astype(int) - half
        regions[t] = face[top : top + SIDE, left : left + SIDE]
    return regions


def _smoothed(landmarks: np.ndarray, t: int) -> np.ndarray:
    """Landmarks `[68, 2]` of frame t: the mean shape of the frames around it, at the frame's own place."""
    around = min(_FARTHEST, t, len(landmarks) - 1 - t)
    shape = landmarks[t - around : t + around + 1].astype(np.float64).mean(axis=0)
    return shape + (landmarks[t].mean(axis=0) - shape.mean(axis=0))
