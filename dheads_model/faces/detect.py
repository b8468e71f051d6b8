"""Landmark detectors behind one interface: from the frames of one clip to the faces of each frame."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError

# frames of one clip in order, as chunks uint8 RGB [n, H, W, 3] -> for every frame a list of landmarks float32 [68, 2]
Detector = Callable[[Iterable[np.ndarray]], Iterator[list[np.ndarray]]]


def open_detector(
    backend: str, max_faces: int, weights_folder: Path | str = "resources/weights", precision: str = "float32"
) -> Detector:
    """The detector of a back end, `mediapipe` or `face-alignment`; call it once per clip.

    It returns at most `max_faces` faces per frame, in pixels of the frame. A clip's result does not depend on the clips
    before it. Its `close` frees its memory: whoever opens detectors again and again must call it. precision: of the landmark
    network of face-alignment; bfloat16 and float16 are for GPUs. Raises UserError for an unknown back end or missing weights.
    """
    if backend == "mediapipe":
        from dheads_model.faces.mediapipe_mesh import open_face_mesh

        return open_face_mesh(max_faces)
    if backend == "face-alignment":
        from dheads_model.faces.face_alignment_network import open_face_alignment

        return open_face_alignment(max_faces, Path(weights_folder), precision)
    raise UserError(f"config key track.backend is {backend!r}; it must be mediapipe or face-alignment.")
