"""face-alignment (S3FD and 2DFAN4, Bulat and Tzimiropoulos 2017) as a landmark detector, the paper's choice."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from dheads_model.errors import UserError
from dheads_model.faces.key_frames import detect_by_key_frames
from dheads_model.weights import check_weights, read_weights_table

# Before numba is imported: otherwise face-alignment's functions are compiled in every process, which takes 14 seconds.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

LANDMARK_WEIGHTS, DETECTOR_WEIGHTS = "2DFAN4-11f355bf06.pth.tar", "s3fd-619a316812.pth"
# Batch sizes of 256-pixel crops for the landmarks and of whole frames for the detector: under 1.5 GB on a CPU at 480x360.
_CROPS_AT_ONCE = {"cpu": 8, "cuda": 64}
_FRAMES_AT_ONCE = {"cpu": 2, "cuda": 9}
# Larger frames are resized to this number of pixels for the detector, whose memory is 1.9 GB at this size.
_MOST_DETECTOR_PIXELS = 1280 * 720
_PRECISIONS = ("float32", "bfloat16", "float16")


def open_face_alignment(max_faces: int, weights_folder: Path, precision: str):
    """A detector (see detect.py) whose weights come from verified local files; raises UserError without them."""
    if precision not in _PRECISIONS:
        raise UserError(f"config key track.precision is {precision!r}; it must be one of {', '.join(_PRECISIONS)}.")
    table = read_weights_table()
    landmark_file, detector_file = (
        check_weights(weights_folder / name, table[name]) for name in (LANDMARK_WEIGHTS, DETECTOR_WEIGHTS)
    )
    network = load_networks(landmark_file, detector_file, precision)

    def detect(chunks: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        frames = (frame for chunk in chunks for frame in chunk)
        return detect_by_key_frames(
            frames, lambda some: find_boxes(network, some), lambda pairs: find_landmarks(network, pairs), max_faces
        )

    detect.close = lambda: None
    return detect


def load_networks(landmark_file: Path, detector_file: Path, precision: str = "float32"):
    """face-alignment's object with both networks from local files; nothing is compiled or downloaded.

    precision: of the landmark network; the detector is always float32 in this library.
    """
    import torch
    from face_alignment import FaceAlignment, LandmarksType
    from face_alignment.models.fan import FAN

    class LocalFaceAlignment(FaceAlignment):
        def _load_native(self, network_name, network_size, device, dtype):
            network = FAN(network_size)
            network.load_state_dict(torch.load(landmark_file, map_location=device, weights_only=True))
            return network.to(device, dtype=dtype).eval()

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return LocalFaceAlignment(
        LandmarksType.TWO_D, device=device, dtype=getattr(torch, precision), flip_input=False, compile=False,
        face_detector_kwargs={"path_to_detector": str(detector_file)},
    )  # fmt: skip


def find_boxes(network, frames: np.ndarray) -> list[np.ndarray]:
    """Boxes `[k, 4]` of the faces in each frame of uint8 RGB `[n, H, W, 3]`, the largest first, in batches of frames."""
    import torch

    result = []
    for start in range(0, len(frames), _FRAMES_AT_ONCE[network.device]):
        some, scale = _shrunk(frames[start : start + _FRAMES_AT_ONCE[network.device]])
        for found in network.face_detector.detect_from_batch(torch.from_numpy(some).permute(0, 3, 1, 2)):
            boxes = np.asarray(found, dtype=np.float64).reshape(-1, 5)[:, :4] / scale
            area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
            result.append(boxes[np.argsort(-area, kind="stable")])
    return result


def _shrunk(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray | float]:
    """(frames of at most _MOST_DETECTOR_PIXELS, scale factors of x, y, x, y)."""
    height, width = frames.shape[1:3]
    factor = (_MOST_DETECTOR_PIXELS / (height * width)) ** 0.5
    if factor >= 1:
        return frames, 1.0
    side = (max(int(width * factor), 1), max(int(height * factor), 1))
    small = np.stack([cv2.resize(frame, side, interpolation=cv2.INTER_AREA) for frame in frames])
    return small, np.array([side[0] / width, side[1] / height] * 2)


def find_landmarks(network, pairs: list[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """Landmarks float32 `[68, 2]` in each (frame, box), in batches of boxes.

    Equivalent to `FaceAlignment.get_landmarks_from_image`, which takes the boxes of one frame at a time.
    """
    import torch
    from face_alignment.api import CENTER_Y_OFFSET
    from face_alignment.utils import crop, get_preds_fromhm

    result = []
    for start in range(0, len(pairs), _CROPS_AT_ONCE[network.device]):
        places, crops = [], []
        for frame, (left, top, right, bottom) in pairs[start : start + _CROPS_AT_ONCE[network.device]]:
            centre = np.array([(left + right) / 2, (top + bottom) / 2 - (bottom - top) * CENTER_Y_OFFSET])
            scale = (right - left + bottom - top) / network.face_detector.reference_scale
            places.append((centre, scale))
            crops.append(crop(frame, centre, scale).transpose(2, 0, 1))
        with torch.inference_mode():
            batch = torch.from_numpy(np.stack(crops)).to(network.device, network.dtype) / 255
            heatmaps = network.face_alignment_net(batch)
        heatmaps = (heatmaps[-1] if isinstance(heatmaps, list) else heatmaps).float().cpu().numpy()
        for number, (centre, scale) in enumerate(places):
            points = get_preds_fromhm(heatmaps[number : number + 1], centre, scale)[1]
            result.append(points.reshape(68, 2).astype(np.float32))
    return result
