"""The row linear_regression: mouth openings that a ridge regression predicts from the audio, without videos."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dheads_model.errors import UserError
from dheads_model.manifest import Outcome, process_clips, read_manifest
from dheads_model.metrics.audio_reference import RidgeRegression, choose_penalty, fit_ridge, usable_clips
from dheads_model.metrics.clip_metric import or_refuse
from dheads_model.metrics.measurement import NOT_COMPUTED, Measurement, refuse
from dheads_model.metrics.signals import mouth_truth_correlation
from dheads_model.shards.index import Index
from dheads_model.shards.reader import ShardClip, read_shard
from dheads_model.shards.subset import choose_clips
from dheads_model.stages.metric_rows import MetricRows
from dheads_model.stages.spoken_clips import spoken_clip, spoken_clips

# The metric of dheads_model/metrics/per_clip/mouth.py, which measures it in videos.
TRUTH = "mouth_truth_correlation"


def fit_regression(index: Index) -> dict:
    """JSON values of the regression at lag 0, fitted on the training clips of a dataset with the penalty that is best on the
    validation clips; `refused` says instead why there is none."""
    train, validation = (usable_clips(spoken_clips(index, split)) for split in ("train", "val"))
    about = {
        "dataset": index.dataset,
        "data": index.fingerprint,
        "clips": {"train": len(train), "val": len(validation)},
    }
    if not train:
        return about | {"refused": "no training clip has a mouth that moves"}
    (ridge,) = fit_ridge(train, [choose_penalty(train, validation)], [0])
    return about | {
        "penalty": ridge.penalty,
        "weights": ridge.weights.tolist(),
        "mean": ridge.mean.tolist(),
        "spread": ridge.spread.tolist(),
    }


def measure_regression(
    shard: Path | str, regression: Path | str, method: str, output: Path | str, subset: Mapping | None = None
) -> list[Outcome]:
    """Write the correlation of predicted and true mouth opening of each clip of a packed test shard, or of a subset, as
    `measure_shard` writes that of a video.

    regression: a file of `fit_regression`. subset: see `choose_clips`. Returns the outcome of each clip.
    """
    manifest = read_manifest(shard)
    ridge, refused = _read(regression)
    rows = MetricRows(manifest.dataset, method)

    def work(name: str, clip: ShardClip) -> dict:
        rows.add(clip, len(clip.frames), [_measured(ridge, clip) if ridge else refuse(TRUTH, refused, NOT_COMPUTED)])
        return {}

    chosen = choose_clips(list(manifest.ok()), subset)
    outcomes = process_clips(((clip.clip, clip) for clip in read_shard(shard, chosen)), work)
    rows.write(output)
    return outcomes


def _measured(ridge: RidgeRegression, clip: ShardClip) -> Measurement:
    spoken = spoken_clip(clip)
    r = mouth_truth_correlation(ridge.predict(spoken), spoken.opening)
    return or_refuse(TRUTH, r, "the true mouth does not move")


def _read(path: Path | str) -> tuple[RidgeRegression | None, str]:
    """(the regression, ""), or (None, why there is none)."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        if "refused" in found:
            return None, f"not computed: {found['refused']}"
        weights, mean, spread = (np.array(found[key], np.float64) for key in ("weights", "mean", "spread"))
        return RidgeRegression(weights, mean, spread, found["penalty"], 0), ""
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{path} is not a usable regression ({problem}); delete it to fit it again.") from problem
