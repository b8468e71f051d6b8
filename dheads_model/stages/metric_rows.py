"""Table of measurements of the videos of one method, one row a clip and metric."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from dheads_model.files import atomic_path
from dheads_model.metrics.measurement import Measurement
from dheads_model.shards.reader import ShardClip

COLUMNS = ["dataset", "split", "speaker", "method", "clip", "frames", "metric", "value", "status", "reason"]


class MetricRows:
    """Rows of the table, collected clip by clip."""

    def __init__(self, dataset: str, method: str):
        self.dataset, self.method = dataset, method
        self.rows: list[dict] = []

    def add(self, clip: ShardClip, frames: int, measurements: Iterable[Measurement]) -> None:
        """Add the measurements of a video of `frames` frames."""
        about = {"dataset": self.dataset, "split": clip.split, "speaker": clip.speaker, "method": self.method}
        self.rows += [{**about, "clip": clip.clip, "frames": frames, **asdict(found)} for found in measurements]

    def write(self, path: Path | str) -> None:
        """Write the table as parquet, whole or not at all."""
        with atomic_path(path) as temporary:
            table = pd.DataFrame(self.rows, columns=COLUMNS).astype({"value": "float64"})
            table.to_parquet(temporary, index=False, compression="zstd")
