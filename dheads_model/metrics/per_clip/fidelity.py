"""MSE, PSNR, SSIM and MS-SSIM against the ground truth."""

from dheads_model.metrics.clip_metric import ClipMetric, MeasuredClip, or_refuse
from dheads_model.metrics.column import CORRELATION, HIGHER, LOWER, Column
from dheads_model.metrics.measurement import Measurement


def measure(clip: MeasuredClip) -> list[Measurement]:
    """See dheads_model/metrics/fidelity.py."""
    from dheads_model.metrics import fidelity

    frames, reference = clip.frames, clip.reference
    return [
        Measurement("mse", fidelity.mse(frames, reference)),
        Measurement("psnr", fidelity.psnr(frames, reference)),
        Measurement("ssim", fidelity.ssim(frames, reference)),
        or_refuse(
            "ms_ssim",
            fidelity.ms_ssim(frames, reference),
            f"pictures of {min(frames.shape[1:3])} pixels are too small, it needs {fidelity.LEAST_MS_SSIM_SIDE}",
        ),
    ]


METRIC = ClipMetric(
    place=70,
    compares=True,
    measure=measure,
    columns=(
        Column("mse", "MSE", LOWER, 1, "mean squared error in squared levels of 0..255, mean over frames"),
        Column("psnr", "PSNR", HIGHER, 2, "decibels, mean over frames"),
        Column("ssim", "SSIM", HIGHER, 4, "structural similarity, Gaussian window", span=CORRELATION),
        Column("ms_ssim", "MS-SSIM", HIGHER, 4, "structural similarity on five scales, for crops of at least 161 pixels",
               optional=True),
    ),
)  # fmt: skip
