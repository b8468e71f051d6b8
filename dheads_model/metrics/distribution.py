"""Distances between two sets of clips, from features of their frames: Fréchet distance and kernel distance.

A metric is named after the network of its features and the preprocessing; only features of the TF-Slim Inception may be
called FID and KID. Frames of one clip are highly correlated, so subsets are drawn by clip, never by frame. There is no
bootstrap: repeated samples lower the rank of a covariance, and the interval may not contain the value.

Fréchet distance: Heusel et al. 2017, eq. 6. Kernel distance: Bińkowski et al. 2018, eq. 3 and 4. Extrapolation to
infinitely many samples: Chong & Forsyth 2020, eq. 5.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from dheads_model.errors import UserError
from dheads_model.metrics.measurement import OK, UNDEFINED

SUBSETS = 10  # disjoint groups of clips for the spread of a Fréchet distance
SIZES = 8  # numbers of clips to which the line in 1/n is fitted
KERNEL_SUBSETS, KERNEL_CLIPS = 100, 100


@dataclass(frozen=True)
class FeatureSet:
    """Features of the frames of many clips.

    values: float64 `[N, D]`. clips: the clip of each row, integers `[N]`; rows of a clip are adjacent.
    """

    values: np.ndarray
    clips: np.ndarray

    def __post_init__(self):
        if self.values.ndim != 2 or self.clips.shape != self.values.shape[:1] or not self.values.size:
            raise UserError(
                f"Features of a set of clips must be [N, D] with one clip number a row, not {self.values.shape} "
                f"with clip numbers {self.clips.shape}."
            )

    @property
    def clip_count(self) -> int:
        return len(np.unique(self.clips))


@dataclass(frozen=True)
class Moments:
    """Mean `[D]` and covariance `[D, D]` of n rows; ddof: the sum of squares was divided by n - ddof."""

    n: int
    mean: np.ndarray
    covariance: np.ndarray
    ddof: int

    @property
    def rank_deficient(self) -> bool:
        """Whether n rows are too few for a covariance of full rank, whatever the features are."""
        return self.n <= len(self.mean)


@dataclass(frozen=True)
class SetMeasurement:
    """One distance between two sets of clips; `value` is None unless `status` is ok.

    note: a warning to print with the value, or "". clips, frames: their numbers (real, generated). spread: standard
    deviation over `subsets` draws of `subset_clips` clips each, None if there are too few clips.
    """

    metric: str
    value: float | None
    clips: tuple[int, int]
    frames: tuple[int, int]
    status: str = OK
    reason: str = ""
    note: str = ""
    spread: float | None = None
    subsets: int = 0
    subset_clips: int = 0

    def __post_init__(self):
        if (self.status == OK) != (self.value is not None):
            raise ValueError(f"{self.metric}: value {self.value} does not fit status {self.status}")


def stack_clips(features: list[np.ndarray]) -> FeatureSet:
    """A set from the features `[K, D]` of each clip, in the given order; K may differ."""
    if not features:
        raise UserError("A distance between sets of clips needs at least one clip in each; one set has none.")
    counts = [len(rows) for rows in features]
    return FeatureSet(np.concatenate(features).astype(np.float64), np.repeat(np.arange(len(features)), counts))


def moments(values: np.ndarray, ddof: int = 1) -> Moments:
    """Moments of features `[N, D]` in float64; N must be above ddof.

    ddof 1 is what pytorch-fid, torch-fidelity and the paper's FVD use, 0 is StyleGAN-V's and cd-fvd's.
    """
    if len(values) <= ddof:
        raise UserError(f"A covariance with ddof {ddof} needs at least {ddof + 1} rows of features, not {len(values)}.")
    values = values.astype(np.float64)
    mean = values.mean(axis=0)
    centred = values - mean
    return Moments(len(values), mean, centred.T @ centred / (len(values) - ddof), ddof)


def frechet_distance(first: Moments, second: Moments) -> float:
    """|m1 - m2|² + tr S1 + tr S2 - 2 tr (S1 S2)^½, squared units of the features, at least 0.

    tr (S1 S2)^½ is the sum of the square roots of the eigenvalues of R S2 R with R = S1^½. The matrix is symmetric, so
    they are real for rank-deficient covariances too. Raises UserError if ddof or the number of features differ.
    """
    if first.ddof != second.ddof or first.mean.shape != second.mean.shape:
        raise UserError(
            f"Fréchet distance of moments with ddof {first.ddof} and {second.ddof}, {len(first.mean)} and "
            f"{len(second.mean)} features: compute both sets' moments alike."
        )
    root = _square_root(first.covariance)
    shared = np.linalg.eigvalsh(root @ second.covariance @ root)
    shift = float(np.square(first.mean - second.mean).sum())
    spread = np.trace(first.covariance) + np.trace(second.covariance) - 2 * np.sqrt(shared.clip(min=0)).sum()
    return max(shift + float(spread), 0.0)


def _square_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T


def kernel_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy of rows `[N, D]` and `[M, D]`, kernel (x·y / D + 1)³; may be below 0."""
    if min(len(first), len(second)) < 2:
        raise UserError(f"A kernel distance needs 2 rows in each set, not {len(first)} and {len(second)}.")
    first, second = first.astype(np.float64), second.astype(np.float64)
    within = sum(_mean_off_diagonal(_kernel(rows, rows)) for rows in (first, second))
    return float(within - 2 * _kernel(first, second).mean())


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _mean_off_diagonal(kernel: np.ndarray) -> float:
    n = len(kernel)
    return (kernel.sum() - np.trace(kernel)) / (n * (n - 1))


def measure_frechet(
    metric: str, real: FeatureSet, generated: FeatureSet, ddof: int = 1, subsets: int = SUBSETS, seed: int = 0
) -> SetMeasurement:
    """Fréchet distance of all frames, with its spread over disjoint groups of clips.

    The spread is that of distances of `subset_clips` clips, which are biased upwards compared with the value. It is not a
    confidence interval. Refused with fewer than 2 clips or features that are not finite.
    """
    empty = _counted(metric, real, generated)
    if reason := _unusable(real, generated, least=2):
        return replace(empty, status=UNDEFINED, reason=reason)
    sides = [moments(side.values, ddof) for side in (real, generated)]
    answer = replace(empty, value=frechet_distance(*sides), status=OK, reason="", note=_rank_note(*sides))
    group = min(empty.clips) // subsets
    if subsets < 2 or group < 2:
        return answer
    draws = [_shuffled(side, seed) for side in (real, generated)]
    values = [
        frechet_distance(*(moments(_rows(side, order[k * group : (k + 1) * group]), ddof) for side, order in draws))
        for k in range(subsets)
    ]
    return replace(answer, spread=float(np.std(values, ddof=1)), subsets=subsets, subset_clips=group)


def measure_frechet_infinite(
    metric: str, real: FeatureSet, generated: FeatureSet, ddof: int = 1, sizes: int = SIZES, seed: int = 0
) -> SetMeasurement:
    """Fréchet distance extrapolated to infinitely many clips: intercept of a line fitted to distances against 1/n.

    n goes from half of the smaller set to all of it, evenly spaced in 1/n, for both sets. The value can be slightly
    negative for equal distributions. spread: standard error of the intercept. Refused if the smallest subset has no more
    frames than features: its covariance is rank-deficient, and the bias is not linear in 1/n.
    """
    empty = _counted(metric, real, generated)
    if reason := _unusable(real, generated, least=2):
        return replace(empty, status=UNDEFINED, reason=reason)
    most = min(empty.clips)
    numbers = np.unique(np.rint(1 / np.linspace(2 / most, 1 / most, sizes)).astype(int))
    draws = [_shuffled(side, seed) for side in (real, generated)]
    features = real.values.shape[1]
    fewest = min(len(_rows(side, order[: numbers[0]])) for side, order in draws)
    if len(numbers) < 3 or fewest <= features:
        reason = f"half of {most} clips give {fewest} frames, and a line in 1/n needs more than {features}"
        if len(numbers) < 3:
            reason = f"{most} clips are too few for a line in 1/n"
        return replace(empty, status=UNDEFINED, reason=reason)
    values = [
        frechet_distance(*(moments(_rows(side, order[:number]), ddof) for side, order in draws)) for number in numbers
    ]
    (_, end), covariance = _line(1 / numbers, np.array(values))
    return replace(empty, value=end, status=OK, reason="", spread=math.sqrt(max(covariance, 0)), subsets=len(numbers))


def measure_kernel(
    metric: str,
    real: FeatureSet,
    generated: FeatureSet,
    subset_clips: int = KERNEL_CLIPS,
    subsets: int = KERNEL_SUBSETS,
    seed: int = 0,
) -> SetMeasurement:
    """Mean and standard deviation of the kernel distance over subsets of `subset_clips` clips, one frame per clip.

    With one frame per clip the rows are independent, as the unbiased estimator requires. Clips are drawn without
    replacement. Refused if a set has fewer clips than a subset.
    """
    empty = _counted(metric, real, generated)
    if subset_clips < 2 or subsets < 1:
        raise UserError(f"A kernel distance needs subsets >= 1 of 2 clips or more, not {subsets} of {subset_clips}.")
    if reason := _unusable(real, generated, least=subset_clips):
        return replace(empty, status=UNDEFINED, reason=reason)
    generator = np.random.default_rng(seed)
    values = [
        kernel_distance(*(_one_frame_each(side, subset_clips, generator) for side in (real, generated)))
        for _ in range(subsets)
    ]
    spread = float(np.std(values, ddof=1)) if subsets > 1 else None
    answer = replace(empty, value=float(np.mean(values)), status=OK, reason="")
    return replace(answer, spread=spread, subsets=subsets, subset_clips=subset_clips)


def frechet_and_kernel(
    frechet: str, infinite: str, kernel: str, real: FeatureSet, generated: FeatureSet
) -> list[SetMeasurement]:
    """The three figures of frame features, named as given, with the numbers of draws of this module.

    The kernel distance draws half of the clips of the smaller set, at most KERNEL_CLIPS; it is unbiased whatever their number.
    """
    half = min(real.clip_count, generated.clip_count) // 2
    return [
        measure_frechet(frechet, real, generated),
        measure_frechet_infinite(infinite, real, generated),
        measure_kernel(kernel, real, generated, subset_clips=max(min(half, KERNEL_CLIPS), 2)),
    ]


def halves(clips: FeatureSet, seed: int = 0) -> tuple[FeatureSet, FeatureSet]:
    """Two disjoint random halves of a set, of equally many clips; raises UserError for fewer than 2 clips."""
    order = _shuffled(clips, seed)[1]
    half = len(order) // 2
    if half < 1:
        raise UserError(f"A set of {len(order)} clips has no halves; it needs 2.")
    sides = (np.isin(clips.clips, some) for some in (order[:half], order[half : 2 * half]))
    first, second = (FeatureSet(clips.values[rows], clips.clips[rows]) for rows in sides)
    return first, second


def _counted(metric: str, real: FeatureSet, generated: FeatureSet) -> SetMeasurement:
    if real.values.shape[1] != generated.values.shape[1]:
        raise UserError(
            f"{metric}: {real.values.shape[1]} features of real frames and {generated.values.shape[1]} of generated "
            "ones cannot be compared; compute both with one network."
        )
    clips = (real.clip_count, generated.clip_count)
    return SetMeasurement(metric, None, clips, (len(real.values), len(generated.values)), UNDEFINED, "not measured")


def _unusable(real: FeatureSet, generated: FeatureSet, least: int) -> str:
    for side, name in ((real, "real"), (generated, "generated")):
        if side.clip_count < least:
            return f"{side.clip_count} {name} clips, which must be at least {least}"
        if not np.isfinite(side.values).all():
            return f"features of {name} frames that are not finite numbers"
    return ""


def _rank_note(first: Moments, second: Moments) -> str:
    if not (first.rank_deficient or second.rank_deficient):
        return ""
    fewest, features = min(first.n, second.n), len(first.mean)
    return f"{fewest} frames are too few for a covariance of {features} features: far too high, and only for rows of equal n"


def _shuffled(side: FeatureSet, seed: int) -> tuple[FeatureSet, np.ndarray]:
    """The set, and its clips in random order. Sets of equally many clips get the same order, so their subsets are paired."""
    return side, np.random.default_rng(seed).permutation(np.unique(side.clips))


def _rows(side: FeatureSet, clips: np.ndarray) -> np.ndarray:
    return side.values[np.isin(side.clips, clips)]


def _one_frame_each(side: FeatureSet, clips: int, generator: np.random.Generator) -> np.ndarray:
    _, starts, counts = np.unique(side.clips, return_index=True, return_counts=True)
    drawn = generator.choice(len(starts), clips, replace=False)
    return side.values[starts[drawn] + generator.integers(counts[drawn])]


def _line(x: np.ndarray, y: np.ndarray) -> tuple[tuple[float, float], float]:
    """(slope, intercept) of the least-squares line, and the variance of the intercept."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    solution, *_ = np.linalg.lstsq(design, y, rcond=None)
    residual = np.square(y - design @ solution).sum() / max(len(x) - 2, 1)
    return (float(solution[0]), float(solution[1])), float(residual * np.linalg.inv(design.T @ design)[1, 1])
