"""Means of every metric for each speaker and method: which actors a method fails on."""

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.tables.cells import csv_table
from dheads_model.tables.columns import shown_columns
from dheads_model.tables.statistics import cell


def per_speaker(values: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """One row a dataset, speaker and method, of its columns a mean (NaN without a value) and the number of clips a metric.

    values: tidy metrics of all clips. methods: in the order of their rows. Means are those of table 1: rates are weighted by
    the clips' lengths. Clips without a named speaker form one row. Raises UserError when nothing was measured.
    """
    if values.empty:
        raise UserError("no clip was measured: the test split is empty; results/data_card.md has the reasons.")
    columns = shown_columns(set(values["metric"]))
    order = {method: number for number, method in enumerate(methods)}
    known = values[values["method"].isin(order)]
    records = []
    for (dataset, speaker, _), rows in known.groupby(["dataset", "speaker", known["method"].map(order)], sort=True):
        record = {
            "dataset": dataset,
            "speaker": speaker,
            "method": rows["method"].iloc[0],
            "clips": rows["clip"].nunique(),
        }
        by_metric = dict(iter(rows.groupby("metric")))
        for column in columns:
            found = cell(by_metric.get(column.metric, rows.iloc[:0]), column)
            record |= {column.metric: found.mean, f"{column.metric}_n": found.n}
        records.append(record)
    return pd.DataFrame(records).astype({column.metric: "float64" for column in columns})


def to_csv(table: pd.DataFrame) -> str:
    """The table with full precision."""
    return csv_table(table)
