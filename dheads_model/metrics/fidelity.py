"""MSE, PSNR, SSIM and MS-SSIM of a video and its ground truth: computed per frame, then averaged over frames."""

import cv2
import numpy as np

PSNR_CAP = 100.0  # decibels, for equal frames, so that the mean over frames is finite
# Of the five scales, each half the size of the one before (Wang et al. 2003, table 1).
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW, _SIGMA = 11, 1.5
# The window of 11 pixels must fit into the smallest of five scales.
LEAST_MS_SSIM_SIDE = (_WINDOW - 1) * 2 ** (len(_SCALE_WEIGHTS) - 1) + 1


def mse(frames: np.ndarray, reference: np.ndarray) -> float:
    """Mean squared error, in squared levels of 0..255, of uint8 videos `[T, H, W, 3]`."""
    return float(_errors(frames, reference).mean())


def psnr(frames: np.ndarray, reference: np.ndarray) -> float:
    """Peak signal-to-noise ratio in decibels of uint8 videos `[T, H, W, 3]`: 10 log10(255^2 / MSE), at most PSNR_CAP per frame."""
    with np.errstate(divide="ignore"):
        return float(np.minimum(10 * np.log10(255.0**2 / _errors(frames, reference)), PSNR_CAP).mean())


def _errors(frames: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Mean squared error of each frame, float64 `[T]`."""
    _same_shape(frames, reference)
    return np.array([np.mean((a.astype(np.float64) - b) ** 2) for a, b in zip(frames, reference, strict=True)])


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


def ms_ssim(frames: np.ndarray, reference: np.ndarray) -> float | None:
    """Multi-scale structural similarity (Wang et al. 2003), 0..1, of uint8 videos `[T, H, W, 3]`: mean over colour channels
    and frames. None for images with a side under LEAST_MS_SSIM_SIDE, for which it is not defined.

    The window and constants of `ssim`, averaging of 2 x 2 pixels between scales, negative parts set to 0.
    """
    _same_shape(frames, reference)
    if min(frames.shape[1:3]) < LEAST_MS_SSIM_SIDE:
        return None
    return float(np.mean([_ms_ssim(a, b) for a, b in zip(frames, reference, strict=True)]))


def _ms_ssim(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    result = np.ones(3)
    for number, weight in enumerate(_SCALE_WEIGHTS):
        brightness, structure = _similarity_parts(a, b)
        last = number == len(_SCALE_WEIGHTS) - 1
        part = (brightness * structure if last else structure).mean(axis=(0, 1))
        result *= np.maximum(part, 0) ** weight
        a, b = _halve(a), _halve(b)
    return float(result.mean())


def _similarity_parts(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(luminance term, contrast-structure term) of SSIM without padding, `[H - 10, W - 10, 3]`."""
    kernel, edge = cv2.getGaussianKernel(_WINDOW, _SIGMA, cv2.CV_64F), _WINDOW // 2

    def smooth(image: np.ndarray) -> np.ndarray:
        return cv2.sepFilter2D(image, cv2.CV_64F, kernel, kernel)[edge:-edge, edge:-edge]

    small, smaller = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = smooth(a), smooth(b)
    variances = smooth(a * a) + smooth(b * b) - mean_a**2 - mean_b**2
    brightness = (2 * mean_a * mean_b + small) / (mean_a**2 + mean_b**2 + small)
    return brightness, (2 * (smooth(a * b) - mean_a * mean_b) + smaller) / (variances + smaller)


def _halve(image: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels; a side of odd length is first padded with zeros at its beginning."""
    rows, columns = (side % 2 for side in image.shape[:2])
    padded = np.pad(image, ((rows, 0), (columns, 0), (0, 0)))
    return (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4


def _same_shape(frames: np.ndarray, reference: np.ndarray) -> None:
    if frames.shape != reference.shape or frames.dtype != np.uint8 or reference.dtype != np.uint8:
        raise ValueError(
            f"videos must be uint8 of one shape, not {frames.dtype} {frames.shape}, {reference.dtype} {reference.shape}"
        )
