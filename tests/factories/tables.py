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
