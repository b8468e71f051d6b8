"""Crops in a tar: one mp4 per clip, or numbered PNG frames."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from dheads_model.media.video import decode_video
from dheads_model.shards.tar import read_tar


def read_crops(path: Path | str) -> Iterator[tuple[str, np.ndarray]]:
    """(clip, crops uint8 RGB `[T, S, S, 3]`) of every clip in a tar of crops."""
    for clip, members in groupby(read_tar(path), key=lambda member: member[0].partition(".")[0]):
        yield clip, decode_frames(list(members))


def decode_frames(members: list[tuple[str, bytes]]) -> np.ndarray:
    """Frames uint8 RGB `[T, S, S, 3]` of one clip's image members: one mp4, or PNG files in order."""
    if len(members) == 1 and members[0][0].endswith(".mp4"):
        return decode_video(members[0][1])
    return np.stack([cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1] for _, png in members])
