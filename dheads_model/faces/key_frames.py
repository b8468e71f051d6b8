"""Faces in every frame from boxes in every eighth frame, with batched networks."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np

# S3FD takes five times as long as the landmarks: it runs on every eighth frame, and boxes are interpolated in between.
KEY_FRAME_EVERY = 8
# Frames are held in blocks, which have fewer frames if these are large.
_BLOCK_BYTES, _MOST_BLOCK_FRAMES = 400 * 2**20, 8 * KEY_FRAME_EVERY
# Boxes of two key frames belong to one face if their intersection over union is at least this; others are kept
# unchanged until the next key frame.
_SAME_FACE = 0.2

# frames uint8 RGB [n, H, W, 3] -> of each frame its boxes float64 [k, 4] (x0 y0 x1 y1), the largest first
FindBoxes = Callable[[np.ndarray], list[np.ndarray]]
# (frame uint8 RGB [H, W, 3], box [4]) pairs -> landmarks float32 [68, 2] of each
FindLandmarks = Callable[[list[tuple[np.ndarray, np.ndarray]]], list[np.ndarray]]


def detect_by_key_frames(
    frames: Iterable[np.ndarray], find_boxes: FindBoxes, find_landmarks: FindLandmarks, max_faces: int
) -> Iterator[list[np.ndarray]]:
    """Landmarks `[68, 2]` of at most `max_faces` faces of each frame uint8 RGB `[H, W, 3]`, in blocks of frames.

    Key frames are those whose number is a multiple of KEY_FRAME_EVERY, and the last of a clip; they do not depend on
    the size of blocks. If a key frame has no face, the detector runs on every frame up to the next one.
    """
    source = iter(frames)
    first = list(islice(source, 1))
    size = _block_frames(first[0].nbytes) if first else 0
    block = first + list(islice(source, size))
    while block:
        last = len(block) <= size
        boxes = _boxes_of_block(block, find_boxes, max_faces)
        done = len(block) if last else size
        pairs = [(frame, box) for frame, of_frame in zip(block[:done], boxes, strict=False) for box in of_frame]
        faces = iter(find_landmarks(pairs) if pairs else [])
        for of_frame in boxes[:done]:
            yield list(islice(faces, len(of_frame)))
        # The frame after the block is its last key frame and the first of the next one.
        block = [] if last else block[done:] + list(islice(source, size))


def _block_frames(frame_bytes: int) -> int:
    """A multiple of KEY_FRAME_EVERY, at least that."""
    return max(min(_BLOCK_BYTES // frame_bytes, _MOST_BLOCK_FRAMES) // KEY_FRAME_EVERY, 1) * KEY_FRAME_EVERY


def _boxes_of_block(block: list[np.ndarray], find_boxes: FindBoxes, max_faces: int) -> list[np.ndarray]:
    """Boxes `[k, 4]` of each frame of a block that begins with a key frame."""
    keys = sorted({*range(0, len(block), KEY_FRAME_EVERY), len(block) - 1})
    found = dict(zip(keys, _largest(find_boxes(np.stack([block[key] for key in keys])), max_faces), strict=True))
    blind = [
        number
        for start, end in zip(keys[:-1], keys[1:], strict=True)
        for number in range(start + 1, end)
        if not len(found[start])
    ]
    if blind:
        looked = _largest(find_boxes(np.stack([block[number] for number in blind])), max_faces)
        found |= dict(zip(blind, looked, strict=True))
    boxes = []
    for number in range(len(block)):
        if number in found:
            boxes.append(found[number])
        else:
            start = max(key for key in keys if key < number)
            end = min(key for key in keys if key > number)
            boxes.append(_between(found[start], found[end], (number - start) / (end - start)))
    return boxes


def _between(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """Boxes interpolated between two key frames; a face without a match in the second one keeps its box."""
    return np.array([_towards(box, end, share) for box in start]).reshape(-1, 4)


def _towards(box: np.ndarray, others: np.ndarray, share: float) -> np.ndarray:
    overlaps = [_overlap(box, other) for other in others]
    if not overlaps or max(overlaps) < _SAME_FACE:
        return box
    return (1 - share) * box + share * others[int(np.argmax(overlaps))]


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    inside = sides[0] * sides[1]
    return float(inside / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inside))


def _largest(boxes: list[np.ndarray], count: int) -> list[np.ndarray]:
    return [of_frame[:count] for of_frame in boxes]
