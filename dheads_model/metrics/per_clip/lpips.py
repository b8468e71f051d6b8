"""LPIPS against the ground truth, on AlexNet."""

import functools

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import LOWER, Column
from dheads_model.metrics.measurement import Measurement, refuse

NAME = "lpips_alex"
FILES = ("alexnet-owt-7be5be79.pth", "lpips_v0.1_alex.pth")


@functools.cache
def _network(weights_folder: str):
    from dheads_model.metrics.networks.lpips import open_lpips
    from dheads_model.weights import read_weights_table

    table = read_weights_table()
    return open_lpips(weights_folder, *(table[name] for name in FILES))


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See `video_lpips`; refused for small pictures. Raises UserError for other weights files."""
    from dheads_model.metrics.networks.lpips import LEAST_SIDE, video_lpips
    from dheads_model.network.threads import one_thread

    if (side := min(clip.frames.shape[1:3])) < LEAST_SIDE:
        return [refuse(NAME, f"pictures of {side} pixels are too small, it needs {LEAST_SIDE}")]
    with one_thread():
        return [Measurement(NAME, video_lpips(_network(clip.weights_folder), clip.frames, clip.reference))]


METRIC = ClipMetric(
    place=75,
    compares=True,
    requested="lpips",
    weights=FILES,
    measure=measure,
    columns=(
        Column(NAME, "LPIPS (alex)", LOWER, 4,
               "learned perceptual distance v0.1 on AlexNet (Zhang et al. 2018), mean over frames", optional=True),
    ),
)  # fmt: skip
