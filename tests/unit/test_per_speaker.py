"""The table of means for each speaker and method."""

import pandas as pd
import pytest

from dheads_model.errors import UserError
from dheads_model.tables.per_speaker import per_speaker, to_csv
from tests.factories.tables import rows_of


def values():
    speakers = ["anna", "anna", "=b"]
    return pd.concat(
        [
            rows_of("psnr", "ours", [20.0, 30.0, 50.0], speakers=speakers),
            rows_of("blinks_per_second", "ours", [0.0, 3.0, 1.0], frames=[100, 50, 50], speakers=speakers),
            rows_of("psnr", "frozen", [None, 10.0, None], speakers=speakers),
        ]
    )


def test_means_and_numbers_of_each_speaker():
    table = per_speaker(values(), ["frozen", "ours"]).set_index(["speaker", "method"])
    assert list(table.index) == [("=b", "frozen"), ("=b", "ours"), ("anna", "frozen"), ("anna", "ours")]
    ours = table.loc[("anna", "ours")]
    assert (ours["clips"], ours["psnr"], ours["psnr_n"]) == (2, 25, 2)
    assert ours["blinks_per_second"] == pytest.approx(1), "events of 150 frames, not a mean of two rates"
    assert (table.loc[("anna", "frozen")]["psnr"], table.loc[("anna", "frozen")]["psnr_n"]) == (10, 1)
    assert pd.isna(table.loc[("=b", "frozen")]["psnr"]) and table.loc[("=b", "frozen")]["psnr_n"] == 0


def test_the_means_of_equally_many_clips_are_those_of_table_1():
    rows = rows_of("psnr", "ours", [20.0, 30.0, 50.0, 60.0], speakers=["a", "a", "b", "b"])
    assert per_speaker(rows, ["ours"])["psnr"].mean() == rows["value"].mean()


def test_methods_without_a_row_of_the_config_have_none_here():
    assert set(per_speaker(values(), ["ours"])["method"]) == {"ours"}


def test_a_speaker_is_no_formula():
    assert "'=b" in to_csv(per_speaker(values(), ["ours"]))


def test_nothing_measured_is_an_error():
    with pytest.raises(UserError, match="no clip was measured"):
        per_speaker(values().iloc[:0], ["ours"])
