"""PSNR and SSIM of a video against its ground truth, frame by frame, then the mean over frames."""

import numpy as np

PSNR_CAP = 100.0  # decibels, of equal frames: a mean over frames must stay finite


def psnr(frames: np.ndarray, reference: np.ndarray) -> float:
    """Peak signal-to-noise ratio in decibels of uint8 videos `[T, H, W, 3]`: 10 log10(255^2 / MSE), at most PSNR_CAP a frame."""
    _same_shape(frames, reference)
    error = np.array([np.mean((a.astype(np.float64) - b) ** 2) for a, b in zip(frames, reference, strict=True)])
    with np.errstate(divide="ignore"):
        return float(np.minimum(10 * np.log10(255.0**2 / error), PSNR_CAP).mean())


def ssim(frames: np.ndarray, reference: np.ndarray) -> float:
    """Structural similarity, -1..1, of uint8 videos `[T, H, W, 3]`: mean over colour channels and frames.

    Gaussian window of 11 x 11 with sigma 1.5, population covariance, K 0.01 and 0.03 (Wang et al. 2004), by scikit-image.
    """
    from skimage.metrics import structural_similarity

    _same_shape(frames, reference)
    values = [
        structural_similarity(
            a, b, data_range=255, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for a, b in zip(frames, reference, strict=True)
    ]
    return float(np.mean(values))


def _same_shape(frames: np.ndarray, reference: np.ndarray) -> None:
    if frames.shape != reference.shape or frames.dtype != np.uint8 or reference.dtype != np.uint8:
        raise ValueError(
            f"videos must be uint8 of one shape, not {frames.dtype} {frames.shape}, {reference.dtype} {reference.shape}"
        )
