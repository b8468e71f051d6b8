"""Audio features: log filterbank energies, four columns per video frame."""

from collections.abc import Iterable, Iterator

import numpy as np

from dheads_model.media.clock import FEATURE_COLUMNS_PER_FRAME, SAMPLE_RATE, SAMPLES_PER_FRAME

_WINDOW = 400  # 25 ms
_STEP = SAMPLES_PER_FRAME // FEATURE_COLUMNS_PER_FRAME  # 10 ms
# Lower bound of the energies, that of a quiet room: digital silence then has the values of pauses in recordings (-15 to
# -20), so that a model trained on one of them also works with the other.
_FLOOR = 1e-8


def log_filterbank(samples: np.ndarray, bands: int = 80) -> np.ndarray:
    """Natural log of mel filterbank energies of int16 `[640 n]`, float32 `[4 n, bands]`.

    Windows of 25 ms every 10 ms by python_speech_features on samples scaled to [-1, 1]. Column c is centred on its
    10 ms, so that an impulse at time t has its maximum in video frame floor(25 t). Raises ValueError for
    samples of another type or not of whole frames.
    """
    from python_speech_features import fbank

    if samples.dtype != np.int16 or samples.ndim != 1 or not len(samples) or len(samples) % SAMPLES_PER_FRAME:
        raise ValueError(f"samples must be int16 [640 n] with n > 0, not {samples.dtype} {samples.shape}")
    columns = len(samples) // _STEP
    before = (_WINDOW - _STEP) // 2
    padded = np.zeros((columns - 1) * _STEP + _WINDOW, dtype=np.float64)
    padded[before : before + len(samples)] = samples / 32768.0
    energies, _ = fbank(
        padded, SAMPLE_RATE, winlen=_WINDOW / SAMPLE_RATE, winstep=_STEP / SAMPLE_RATE, nfilt=bands, nfft=512,
        winfunc=np.hanning,
    )  # fmt: skip
    return np.log(np.maximum(energies, _FLOOR)).astype(np.float32)


def stream_log_filterbank(frames: Iterable[np.ndarray], bands: int = 80) -> Iterator[np.ndarray]:
    """The columns of `log_filterbank`, float32 `[4, bands]`, for a stream of 40 ms pieces int16 `[640]`.

    Windows extend 7.5 ms into the next piece, so the columns of a piece are available after the next one or at the end.
    Equal to those of the whole audio up to the rounding of float32.
    """
    columns, before, now = FEATURE_COLUMNS_PER_FRAME, [], None
    for after in frames:
        if now is not None:
            yield log_filterbank(np.concatenate([*before, now, after]), bands)[columns * len(before) :][:columns]
            before = [now]
        now = after
    if now is not None:
        yield log_filterbank(np.concatenate([*before, now]), bands)[-columns:]
