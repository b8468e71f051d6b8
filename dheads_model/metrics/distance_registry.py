"""All distances between sets of clips, found by the modules in `dheads_model/metrics/distances/`, in the order of their columns.

`fingerprint.py` counts every module there as imported here; the jobs import the one they compute (`set_distance.load_distance`).
"""

import pkgutil
from collections import Counter

from dheads_model.metrics import distances
from dheads_model.metrics.set_distance import SetDistance, load_distance


def _found() -> dict[str, SetDistance]:
    loaded = {found.name: load_distance(found.name) for found in pkgutil.iter_modules(distances.__path__)}
    counts = Counter(name for distance in loaded.values() for name in distance.names())
    if twice := [name for name, count in counts.items() if count > 1]:
        raise ValueError(f"two modules of {distances.__name__} have a column {twice[0]!r}; rename one.")
    if shown := [column.metric for one in loaded.values() for column in one.columns if not column.optional]:
        raise ValueError(f"column {shown[0]!r} of {distances.__name__} must be optional: a config may leave it out.")
    return dict(sorted(loaded.items(), key=lambda item: (item[1].place, item[0])))


DISTANCES: dict[str, SetDistance] = _found()
