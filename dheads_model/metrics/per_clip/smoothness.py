"""Optical flow and differences of consecutive frames."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip
from dheads_model.metrics.column import CLOSEST, Column
from dheads_model.metrics.measurement import Measurement, refuse


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See dheads_model/metrics/smoothness.py; refused for a single frame."""
    from dheads_model.metrics import smoothness

    frames = clip.frames
    if len(frames) < 2:
        return [refuse(column.metric, "the clip has one frame only") for column in METRIC.columns]
    # The flow is most of the time of a clip's metrics, and both variants have the same.
    magnitudes = smoothness.flow_magnitudes(frames)
    return [
        Measurement("optical_flow", smoothness.optical_flow(frames, magnitudes)),
        Measurement("frame_mse", smoothness.frame_difference(frames)),
        Measurement("ofm_paper", smoothness.published_optical_flow(frames, magnitudes)),
        Measurement("fmse_paper", smoothness.published_frame_difference(frames)),
    ]


METRIC = ClipMetric(
    place=90,
    measure=measure,
    columns=(
        Column("optical_flow", "OFM", CLOSEST, 4, "mean optical flow magnitude in pixels per frame at 128 x 128"),
        Column("frame_mse", "F-MSE", CLOSEST, 2, "mean squared difference of consecutive frames"),
        Column("ofm_paper", "OFM (published)", CLOSEST, 2,
               "flow as the published script computes it: the mean of a colour-mapped, normalised image"),
        Column("fmse_paper", "F-MSE (published)", CLOSEST, 2,
               "frame difference as published: squares of uint8 differences, which wrap modulo 256"),
    ),
)  # fmt: skip
