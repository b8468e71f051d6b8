"""Mean and standard deviation of every metric of table 1 over trainings that differ in their seed only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dheads_model.errors import UserError
from dheads_model.tables.columns import Column
from dheads_model.tables.paper_forms import ARROWS
from dheads_model.tables.table1 import GROUND_TRUTH, Row, columns_of


@dataclass(frozen=True)
class Spread:
    """One metric of one method: its mean over the clips by training seed, if measured, and that of the ground truth."""

    dataset: str
    method: str
    column: Column
    by_seed: dict[int, float]
    truth: float | None

    @property
    def mean(self) -> float:
        """Mean over the trainings."""
        return float(np.mean(list(self.by_seed.values())))

    @property
    def sd(self) -> float | None:
        """Standard deviation over the trainings, None for a single one."""
        return float(np.std(list(self.by_seed.values()), ddof=1)) if len(self.by_seed) > 1 else None


def make_spreads(rows: Sequence[Row], repeats: Mapping[str, Sequence[tuple[str, int]]]) -> list[Spread]:
    """Spreads of all datasets, methods and measured columns, the distances between sets of clips among them.

    rows: of table 1; repeats: {method: [(name of its row, training seed)]}. Raises UserError without any.
    """
    if not repeats:
        raise UserError(
            "no run is trained with several seeds: add --configfile config/seeds.yaml, or name some in training_seeds."
        )
    found = []
    for dataset in sorted({row.dataset for row in rows}):
        by_method = {row.method: row for row in rows if row.dataset == dataset}
        for method, trainings in repeats.items():
            for column in columns_of(list(rows)):
                means = {seed: _mean(by_method, name, column) for name, seed in trainings}
                by_seed = {seed: mean for seed, mean in means.items() if mean is not None}
                if by_seed:
                    truth = _mean(by_method, GROUND_TRUTH, column)
                    found.append(Spread(dataset, method, column, by_seed, truth))
    return found


def to_csv(spreads: Sequence[Spread]) -> str:
    """CSV with full precision: one row per dataset, method and metric, with the value of each seed."""
    seeds = sorted({seed for spread in spreads for seed in spread.by_seed})
    records = [
        {
            "dataset": spread.dataset, "method": spread.method, "metric": spread.column.metric,
            "trainings": len(spread.by_seed), "mean": spread.mean, "sd": spread.sd,
            "least": min(spread.by_seed.values()), "greatest": max(spread.by_seed.values()), "ground_truth": spread.truth,
            **{f"seed_{seed}": spread.by_seed.get(seed) for seed in seeds},
        }
        for spread in spreads
    ]  # fmt: skip
    return pd.DataFrame(records).to_csv(index=False)


def to_markdown(spreads: Sequence[Spread]) -> str:
    """A table for people for each dataset and method."""
    lines = [
        "# Trainings with several seeds",
        "",
        "Every training differs from the others in its seed alone: other first weights, other batches, other noise. A value is a "
        "mean over the test clips, as in table 1; the spread is the standard deviation of these means over the trainings. "
        "It says how far a training repeated with another seed lands, which the spread over clips in table 1 does not. A distance "
        "between sets of clips has one value a training; that of the ground truth is between its two halves.",
        "",
    ]
    for dataset, method in dict.fromkeys((spread.dataset, spread.method) for spread in spreads):
        shown = [spread for spread in spreads if (spread.dataset, spread.method) == (dataset, method)]
        seeds = sorted({seed for spread in shown for seed in spread.by_seed})
        lines += [f"## {dataset}: {method}, {len(seeds)} trainings", ""]
        lines.append(
            "| metric | | mean ± spread | " + " | ".join(f"seed {seed}" for seed in seeds) + " | ground truth |"
        )
        lines.append("|---|---|---|" + "---|" * (len(seeds) + 1))
        for spread in shown:
            digits = spread.column.digits
            middle = f"{spread.mean:.{digits}f}" + ("" if spread.sd is None else f" ± {spread.sd:.{digits}f}")
            if len(spread.by_seed) < len(seeds):
                middle += f" (n = {len(spread.by_seed)})"
            cells = [_shown(spread.by_seed.get(seed), digits) for seed in seeds] + [_shown(spread.truth, digits)]
            arrow = ARROWS[spread.column.better]
            lines.append(f"| {spread.column.title} | {arrow} | {middle} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _mean(by_method: Mapping[str, Row], method: str, column: Column) -> float | None:
    row = by_method.get(method)
    return row.cells[column.metric].mean if row and column.metric in row.cells else None


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
