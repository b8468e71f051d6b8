"""A long video by windows of ten seconds, and how far each window departs from the first one."""

from collections.abc import Sequence

import numpy as np

from dheads_model.errors import UserError
from dheads_model.faces.redetect import detect_in_crops
from dheads_model.faces.track import fill_gaps
from dheads_model.media.clock import FRAMES_PER_SECOND
from dheads_model.metrics import signals
from dheads_model.metrics.blinks import find_blinks
from dheads_model.metrics.identity import Embed, acd_still, csim
from dheads_model.metrics.seen import LEAST_SEEN
from dheads_model.metrics.sharpness import video_cpbd

WINDOW = 10 * FRAMES_PER_SECOND
BY_LANDMARKS = (
    "csim",
    "acd",
    "x",
    "y",
    "size",
    "tilt",
    "turn",
    "nod",
    "opening",
    "opening_sd",
    "head_motion",
    "blinks",
)
# Values that depend on the frame only change little between neighbours, and are costly.
_SHARPNESS_EVERY = 5
_IDENTITY_EVERY = 25
_BROKEN = 2.0


def windows_of(frames: np.ndarray, window: int = WINDOW) -> list[np.ndarray]:
    """The whole windows of a video `[T, H, W, 3]`; frames after the last one are ignored. UserError for fewer than two."""
    count = len(frames) // window
    if count < 2:
        raise UserError(
            f"a video of {len(frames)} frames has fewer than two windows of {window}; make a longer one to see whether it drifts."
        )
    return [frames[k * window : (k + 1) * window] for k in range(count)]


def measure_window(
    frames: np.ndarray, still: np.ndarray, backend: str, weights_folder: str, embed: Embed | None = None
) -> dict[str, float | None]:
    """Values of one window uint8 RGB `[T, H, W, 3]` of a video that was generated from the identity frame `still` `[H, W, 3]`.

    seen: share of frames with a face. cpbd: mean of every 5th frame. colour: mean level 0..255. pixels: root mean square
    distance of the mean frame from the identity frame in levels. outlying: share of broken frames, those more than twice as
    far from the identity frame as the median one. By landmarks, None if too few frames show a face: x, y
    (mean centre of the eyes) and size (mean eye distance) in eye distances of the identity frame, tilt, turn and nod as in
    `signals.head_motion`, mean and standard deviation of the mouth opening, head motion, number of blinks; with embed csim
    and acd, mean cosine with and distance to the embedding of the identity frame, of every 25th frame.
    """
    values: dict[str, float | None] = {
        "cpbd": video_cpbd(frames[::_SHARPNESS_EVERY]),
        "colour": float(frames.mean()),
        "outlying": _outlying(frames, still),
        "pixels": float(np.sqrt(((frames.mean(axis=0, dtype=np.float64) - still) ** 2).mean())),
    }
    landmarks, seen = detect_in_crops(frames, backend, weights_folder)
    own, found = detect_in_crops(still[None], backend, weights_folder)
    if not found[0]:
        raise UserError(
            "no face was found in the identity frame, so its video cannot be compared with it; take another."
        )
    values["seen"] = float(seen.mean())
    if seen.mean() < LEAST_SEEN:
        return values | dict.fromkeys(BY_LANDMARKS)
    landmarks = fill_gaps(landmarks[seen], seen)
    poses, first = signals.pose_curves(landmarks), signals.pose_curves(own)
    opening = signals.mouth_opening(landmarks)
    values |= {
        name: float(poses[name].mean() / first["size"][0] if name in ("x", "y", "size") else poses[name].mean())
        for name in poses
    }
    values |= {
        "opening": float(opening.mean()),
        "opening_sd": float(opening.std()),
        "head_motion": signals.head_motion(landmarks),
        "blinks": len(find_blinks(signals.eye_aspect_ratio(landmarks))),
        "csim": None,
        "acd": None,
    }
    if embed is not None:
        taken = [k for k in range(0, len(frames), _IDENTITY_EVERY) if seen[k]]
        embedded = np.stack([embed(frames[k], landmarks[k]) for k in taken])
        reference = embed(still, own[0])
        values |= {"csim": float(csim(embedded, reference[None]).mean()), "acd": acd_still(embedded, reference)}
    return values


def departures(windows: Sequence[dict]) -> dict[str, list[float | None]]:
    """How far each window of `measure_window` is from the first: 0 for the first, None where a value is missing.

    identity, sharpness, size: csim, cpbd and size divided by that of the first window, minus 1. position: distance of the
    mean centre of the eyes in eye distances of the identity frame.
    """
    first = windows[0]

    def ratio(name: str) -> list[float | None]:
        known = first.get(name)
        return [one[name] / known - 1 if known and one.get(name) is not None else None for one in windows]

    def moved(one: dict) -> float | None:
        if one["x"] is None or first["x"] is None:
            return None
        return float(np.hypot(one["x"] - first["x"], one["y"] - first["y"]))

    return {
        "identity": ratio("csim"),
        "sharpness": ratio("cpbd"),
        "size": ratio("size"),
        "position": [moved(one) for one in windows],
    }


def _outlying(frames: np.ndarray, still: np.ndarray) -> float:
    distances = np.array([np.sqrt(((frame.astype(np.float32) - still) ** 2).mean()) for frame in frames])
    return float((distances > _BROKEN * np.median(distances)).mean())
