"""Soft-DTW (Cuturi and Blondel 2017): dynamic time warping with a smooth minimum, and the alignment that it expects."""

import numpy as np


def soft_dtw(costs: np.ndarray, gamma: float, band: int | None = None) -> tuple[float, np.ndarray]:
    """(value, expected alignment `[N, M]`) of a cost matrix `[N, M]`, at least 1 by 1.

    value: soft minimum, -gamma log sum exp(-cost / gamma), of the summed costs of all paths from corner to corner in steps
    of one down, one right or both (equations 1 and 2). The expected alignment is its gradient by the costs (algorithm 2):
    the probability that a path, drawn with weight exp(-cost / gamma), visits a cell. gamma: above 0, in the unit of the
    costs. band: only cells at most this far from the diagonal are visited; at least |N - M|. Raises ValueError otherwise.
    """
    rows, columns = costs.shape
    if not (rows and columns and gamma > 0) or (band is not None and band < abs(rows - columns)):
        raise ValueError(f"soft-DTW of costs {costs.shape} with gamma {gamma} and band {band} is not defined")
    reach = max(rows, columns) if band is None else band
    cells = [(i, j) for i in range(rows) for j in range(max(i - reach, 0), min(i + reach + 1, columns))]
    # Negative sums over gamma, with a border of paths that do not exist.
    sums = np.full((rows + 1, columns + 1), -np.inf)
    sums[0, 0] = 0.0
    scaled = costs.astype(np.float64) / gamma
    for i, j in cells:
        sums[i + 1, j + 1] = _log_sum_exp(sums[i, j], sums[i, j + 1], sums[i + 1, j]) - scaled[i, j]
    visited = np.zeros((rows + 1, columns + 1))
    visited[rows - 1, columns - 1] = 1.0
    for i, j in reversed(cells):
        here = sums[i + 1, j + 1]
        for below, right in ((1, 0), (0, 1), (1, 1)):
            k, m = i + below, j + right
            if k < rows and m < columns and visited[k, m]:
                # Share of the paths through (k, m) that came from here.
                visited[i, j] += visited[k, m] * np.exp(here - scaled[k, m] - sums[k + 1, m + 1])
    return float(-gamma * sums[rows, columns]), visited[:rows, :columns]


def _log_sum_exp(*values: float) -> float:
    largest = max(values)
    return largest if largest == -np.inf else largest + float(np.log(sum(np.exp(value - largest) for value in values)))
