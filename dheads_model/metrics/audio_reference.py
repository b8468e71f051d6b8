"""Reference from audio alone: a ridge regression from audio features to mouth opening.

The reference for the mouth-truth correlation of a talking model on the same speakers, and a test of the corpus: if the
correlation has no peak near lag 0, audio and video are out of sync; without a peak the audio does not predict the mouth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dheads_model.errors import UserError
from dheads_model.metrics.signals import is_still

RADIUS = 2  # frames of the audio window on each side, as in the paper
LAGS = range(-5, 6)
# For standardised features, per training frame; the best on validation speakers is used.
PENALTIES = (0.01, 0.1, 1.0, 3.0, 10.0, 30.0)
_LEAST_FRAMES = 8  # smallest number of frames of a clip at the largest lag for a correlation


@dataclass(frozen=True)
class SpokenClip:
    """Features float32 `[T, 4, bands]` and mouth opening `[T]` of a clip (see `signals.mouth_opening`)."""

    clip: str
    speaker: str
    features: np.ndarray
    opening: np.ndarray


@dataclass(frozen=True)
class RidgeRegression:
    """Deviation of the opening `lag` frames later from the clip's mean = weights . (window - mean) / spread; all
    `[(2 RADIUS + 1) 4 bands]`."""

    weights: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    penalty: float
    lag: int

    def predict(self, clip: SpokenClip) -> np.ndarray:
        """Mouth opening `lag` frames after each frame, minus its mean, `[T]`."""
        return ((_windows(clip) - self.mean) / self.spread) @ self.weights


def audio_reference(train: Sequence[SpokenClip], validation: Sequence[SpokenClip], test: Sequence[SpokenClip]) -> dict:
    """JSON values: correlation of predicted and true opening on test clips, mean and standard deviation over clips, by lag.

    Lag k predicts the mouth of frame t + k from the audio window of frame t, with a separate regression. The penalty is
    selected on the validation clips, without them on every fifth training speaker, who is then left out of the fit for the
    selection. Clips whose mouth does not move are ignored. Raises UserError without usable training or test clips.
    """
    train, validation, test = (usable_clips(part) for part in (train, validation, test))
    if not train or not test:
        raise UserError(
            f"the reference needs training and test clips whose mouths move; there are {len(train)} and {len(test)}."
        )
    penalty = choose_penalty(train, validation)
    ridges = fit_ridge(train, [penalty], LAGS)
    lags = {str(ridge.lag): dict(zip(("mean", "sd", "n"), _correlations(ridge, test), strict=True)) for ridge in ridges}
    best = max(lags, key=lambda lag: lags[lag]["mean"])
    speakers = {name: len({c.speaker for c in part}) for name, part in (("train", train), ("test", test))}
    return {
        "what": "ridge regression from the log filterbank of five frames to mouth opening, r over the frames of a clip",
        "r": lags["0"],
        "best_lag": int(best),
        "by_lag": lags,
        "penalty": penalty,
        "penalty_chosen_on": "validation clips" if validation else "every fifth training speaker",
        "clips": {"train": len(train), "validation": len(validation), "test": len(test)},
        "frames": {"train": sum(len(c.opening) for c in train), "test": sum(len(c.opening) for c in test)},
        "speakers": speakers,
    }


def usable_clips(clips: Sequence[SpokenClip]) -> list[SpokenClip]:
    """The clips that are long enough for every lag and whose mouth moves."""
    return [clip for clip in clips if _counts(clip)]


def choose_penalty(train: Sequence[SpokenClip], validation: Sequence[SpokenClip]) -> float:
    """The penalty of PENALTIES with the highest mean correlation at lag 0 on the validation clips, all of them usable.

    Without validation clips every fifth training speaker is left out of the fit and judged instead.
    """
    fitted, judged = train, validation
    if not judged:
        left_out = set(sorted({clip.speaker for clip in train})[::5])
        fitted, judged = ([c for c in train if (c.speaker in left_out) is inside] for inside in (False, True))
        fitted = fitted or judged  # one speaker only
    return max(fit_ridge(fitted, PENALTIES, [0]), key=lambda ridge: _correlations(ridge, judged)[0]).penalty


def fit_ridge(clips: Sequence[SpokenClip], penalties: Sequence[float], lags: Sequence[int]) -> list[RidgeRegression]:
    """A regression for each lag and penalty, from sums over the clips, so that memory does not depend on their number."""
    count, total, squares = 0, 0.0, 0.0
    products, pairs = [0.0 for _ in lags], [0 for _ in lags]
    for clip in clips:
        x, y = _windows(clip), clip.opening - clip.opening.mean()
        count, total, squares = count + len(x), total + x.sum(0), squares + x.T @ x
        for number, lag in enumerate(lags):
            windows, opening = _paired(x, y, lag)
            products[number] = products[number] + windows.T @ (opening - opening.mean())
            pairs[number] += len(opening)
    mean = total / count
    covariance = squares / count - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-12)) + 1e-6
    covariance = covariance / np.outer(spread, spread)
    targets = np.stack([product / number / spread for product, number in zip(products, pairs, strict=True)], axis=1)
    solved = [np.linalg.solve(covariance + penalty * np.eye(len(mean)), targets) for penalty in penalties]
    return [
        RidgeRegression(weights[:, number], mean, spread, penalty, lag)
        for number, lag in enumerate(lags)
        for penalty, weights in zip(penalties, solved, strict=True)
    ]


def _counts(clip: SpokenClip) -> bool:
    return len(clip.opening) >= _LEAST_FRAMES + max(map(abs, LAGS)) and not is_still(clip.opening)


def _windows(clip: SpokenClip) -> np.ndarray:
    """Features around each frame, ends repeated, float64 `[T, (2 RADIUS + 1) 4 bands]`."""
    count = len(clip.opening)
    around = np.clip(np.arange(count)[:, None] + np.arange(-RADIUS, RADIUS + 1), 0, count - 1)
    return clip.features[around].reshape(count, -1).astype(np.float64)


def _paired(first: np.ndarray, second: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows t of the first and rows t + lag of the second array."""
    return (first[: len(first) - lag], second[lag:]) if lag >= 0 else (first[-lag:], second[:lag])


def _correlations(ridge: RidgeRegression, clips: Sequence[SpokenClip]) -> tuple[float, float | None, int]:
    """Mean, standard deviation and number of the clips' correlations of predicted and true opening."""
    found = []
    for clip in clips:
        predicted, opening = _paired(ridge.predict(clip), clip.opening, ridge.lag)
        flat = min(predicted.std(), opening.std()) < 1e-9
        found.append(0.0 if flat else float(np.corrcoef(predicted, opening)[0, 1]))
    return float(np.mean(found)), float(np.std(found, ddof=1)) if len(found) > 1 else None, len(found)
