"""Mean optical-flow magnitude per pixel of a method's videos, as Fig. 5 of the paper shows it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.media.video import decode_video
from dheads_model.metrics.smoothness import PUBLISHED_SIZE, flow_map


def mean_flow_map(manifests: Sequence[str | Path]) -> tuple[np.ndarray, int]:
    """(`flow_map` of the mean over a method's videos `[128, 128]`, number of videos). Raises UserError where there are none."""
    total, count = np.zeros((PUBLISHED_SIZE, PUBLISHED_SIZE)), 0
    for path in manifests:
        for file in read_manifest(path).files:
            total += flow_map(decode_video(verify_file(path, file)))
            count += 1
    if not count:
        raise UserError(f"{', '.join(map(str, manifests))} list no videos; look at their clips for the reasons.")
    return total / count, count


def same_clip_of_all(videos: dict[str, Sequence[str | Path]]) -> tuple[str, dict[str, np.ndarray]]:
    """(the first clip of which every method has a video, {method: its frames}). videos: manifests by method."""
    found = {
        method: {Path(file.name).stem: (path, file) for path in paths for file in read_manifest(path).files}
        for method, paths in videos.items()
    }
    shared = sorted(set.intersection(*map(set, found.values())))
    if not shared:
        raise UserError(f"no clip has a video of every method ({', '.join(videos)}); the manifests list the reasons.")
    return shared[0], {method: decode_video(verify_file(*of_method[shared[0]])) for method, of_method in found.items()}
