"""All per-clip metrics, found by the modules in `dheads_model/metrics/per_clip/`, in the order of their columns.

`fingerprint.py` counts every module there as imported here, so a new or edited metric measures all videos again.
"""

import importlib
import pkgutil
from collections import Counter

from dheads_model.metrics import per_clip
from dheads_model.metrics.clip_metric import ClipMetric


def _found() -> dict[str, ClipMetric]:
    modules = [f"{per_clip.__name__}.{found.name}" for found in pkgutil.iter_modules(per_clip.__path__)]
    metrics = {module.rpartition(".")[2]: importlib.import_module(module).METRIC for module in modules}
    counts = Counter(name for metric in metrics.values() for name in metric.names())
    if twice := [name for name, count in counts.items() if count > 1]:
        raise ValueError(f"two modules of {per_clip.__name__} have a column {twice[0]!r}; rename one.")
    return dict(sorted(metrics.items(), key=lambda item: (item[1].place, item[0])))


CLIP_METRICS: dict[str, ClipMetric] = _found()
COLUMNS = tuple(column for metric in CLIP_METRICS.values() for column in metric.columns)


def requested_metrics(settings) -> dict[str, ClipMetric]:
    """The metrics that `measure_videos` computes with these settings: all but those whose config key is not true."""
    return {
        name: metric
        for name, metric in CLIP_METRICS.items()
        if metric.measure and (not metric.requested or settings[metric.requested])
    }
