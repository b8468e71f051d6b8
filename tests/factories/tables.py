"""Rows of metrics, as tables read them."""

import pandas as pd


def rows_of(metric, method, values, frames=None, speakers=None):
    count = len(values)
    return pd.DataFrame(
        {
            "dataset": "embedded", "split": "test", "method": method, "metric": metric, "value": values,
            "clip": [f"c{i}" for i in range(count)], "frames": frames or [50] * count,
            "speaker": speakers or [f"s{i}" for i in range(count)],
            "status": ["ok" if value is not None else "undefined" for value in values], "reason": "",
        }
    )  # fmt: skip


def steps_result(*names):
    """Result of the benchmark of step counts with a row for each number of steps, given as text."""
    clips = {name: {"mean": 0.4, "sd": 0.1, "n": 2} for name in ("mouth_audio_correlation", "head_motion", "cpbd")}
    long = {"drift": {"curve": [0.0, 2.0, 3.0], "last": 3.0, "largest": 3.0}}
    rows = {name: {"passes": 2 * int(name), "clips": clips, "long": long} for name in names}
    return {"rows": {"ground truth": {"clips": clips}} | rows}
