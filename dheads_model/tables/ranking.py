"""The best and the second best of a column whose values have no intervals, as the paper's printed ones."""

from collections.abc import Mapping

from dheads_model.metrics.column import CLOSEST, HIGHER


def best_two(values: Mapping[str, float | None], better: str, truth: float | None) -> tuple[set[str], set[str]]:
    """(names of the best value, names of the second best), by higher, lower or closest to `truth`.

    Equal values share a place, and two that share the first leave the second empty. Empty for fewer than two values, and
    for closest without a truth.
    """
    found = {name: value for name, value in values.items() if value is not None}
    if len(found) < 2 or (better == CLOSEST and truth is None):
        return set(), set()
    if better == CLOSEST:
        losses = {name: round(abs(value - truth), 9) for name, value in found.items()}
    else:
        losses = {name: -value if better == HIGHER else value for name, value in found.items()}
    first, *others = sorted(set(losses.values()))
    best = {name for name, loss in losses.items() if loss == first}
    if len(best) > 1 or not others:
        return best, set()
    return best, {name for name, loss in losses.items() if loss == others[0]}
