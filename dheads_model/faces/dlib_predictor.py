"""dlib's face detector and 68-point predictor, used by the blink counter that the paper's authors name.

An extra: `pip install 'dheads[published-blinks]'`. The predictor's weights are in the package face-recognition-models; they
were trained on iBUG 300-W, which is not for commercial use.
"""

from collections.abc import Callable

import numpy as np

from dheads_model.errors import UserError
from dheads_model.faces.dlib_packages import check_dlib, weights_path
from dheads_model.files import sha256_of

_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"

FindBox = Callable[[np.ndarray], object | None]
"""A frame uint8 RGB `[H, W, 3]` -> the box of its first face, or None."""
FindPoints = Callable[[np.ndarray, object], np.ndarray]
"""(frame, box) -> landmarks float32 `[68, 2]` in pixels."""


def open_dlib() -> tuple[FindBox, FindPoints]:
    """The detector and the predictor. Raises UserError without the packages or with another weights file."""
    check_dlib("published_blinks", "published-blinks")
    import dlib

    path = weights_path()
    if sha256_of(path) != _SHA256:
        raise UserError(f"{path} is not the file that the published blink counter uses; install version 0.3.0.")
    detector, predictor = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))

    def find_box(frame: np.ndarray):
        boxes = detector(frame, 0)
        return boxes[0] if boxes else None

    def find_points(frame: np.ndarray, box) -> np.ndarray:
        return np.array([(point.x, point.y) for point in predictor(frame, box).parts()], dtype=np.float32)

    return find_box, find_points
