"""The numbers that the paper prints (arXiv 2301.03396v2, WACV 2024), kept in files of this folder with their source."""

import functools
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).resolve().parent
DATASET_TITLES = {"crema_d": "CREMA-D", "lrw": "LRW"}
TRUTH = "ground truth"


@functools.cache
def printed_table1() -> pd.DataFrame:
    """Table 1 of the paper: dataset, method, and its columns by the keys of `paper_columns.PAPER_COLUMNS`; NaN for a dash."""
    return _read("printed_table1.csv")


@functools.cache
def printed_table2() -> pd.DataFrame:
    """Table 2 of the paper: dataset, method, share of votes "real" (0 to 1)."""
    return _read("printed_table2.csv")


@functools.cache
def printed_table3() -> pd.DataFrame:
    """Table 3 of the paper: dataset, audio_radius, motion_channels, and its columns."""
    return _read("printed_table3.csv")


def printed_datasets(dataset: str) -> list[str]:
    """Datasets of the paper whose printed numbers stand in the table of a dataset: its own if the paper has it, else all."""
    return [dataset] if dataset in DATASET_TITLES else list(DATASET_TITLES)


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / name, comment="#")
