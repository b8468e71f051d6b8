"""Table 1 against a kept one: the three verdicts, what they name, and the command with its exit code."""

from io import StringIO

import pandas as pd
import pytest

from dheads_model.errors import UserError
from dheads_model.stages.table_rows import read_rows
from dheads_model.tables.columns import COLUMNS
from dheads_model.tables.expected import TOLERANCE, TOLERATED_CLIPS, compare, read_table, tolerance_of, verdict
from dheads_model.tables.table1 import to_csv
from tests.factories.measured import TABLE_SETTINGS, measured_manifests
from tests.workflow import call
from workflow_scripts import verify_table

SETTINGS = TABLE_SETTINGS


@pytest.fixture
def metrics(tmp_path) -> list[str]:
    return measured_manifests(tmp_path)


@pytest.fixture
def table(metrics) -> pd.DataFrame:
    return read_table(StringIO(to_csv(read_rows(metrics, SETTINGS, [])[1])))


def shifted(table, column, by, row=0):
    result = table.copy()
    result.loc[row, column] += by
    return result


def test_equal_tables(table):
    assert compare(table, table) == []
    assert verdict([]) == "equal"
    assert compare(table.iloc[::-1].reset_index(drop=True), table) == [], "the order of rows says nothing"


@pytest.mark.parametrize("column", ["lmd_mouth", "lmd_mouth_sd", "lmd_mouth_low", "lmd_mouth_high"])
def test_what_is_tolerated_is_named_with_its_tolerance(table, column):
    findings = compare(shifted(table, column, 0.004), table)
    assert verdict(findings) == "equal within the stated tolerance"
    assert [finding.column for finding in findings] == [column]
    assert findings[0].sentence().startswith(f"{column} of embedded ours: ")
    assert findings[0].sentence().endswith("expected; within the tolerance of 0.01")
    assert verdict(compare(shifted(table, column, 0.011), table)) == "differs"


@pytest.mark.parametrize("column", ["psnr", "psnr_n", "lmd_mouth_n", "clips", "speakers"])
def test_everything_else_must_be_equal(table, column):
    changed = shifted(table.astype({column: float}), column, 1e-12)
    (finding,) = compare(changed, table)
    assert not finding.is_within
    assert "beyond the tolerance of 0" in finding.sentence()


def test_what_only_one_table_has_is_told(table):
    assert [f.sentence() for f in compare(table.iloc[:1], table)] == [
        "row of embedded ground_truth: nothing here, present expected; beyond the tolerance of 0"
    ]
    assert verdict(compare(table.drop(columns="psnr"), table)) == "differs"
    assert verdict(compare(table, table.drop(columns="psnr"))) == "differs"
    gone = table.copy()
    gone.loc[0, "psnr"] = None
    (finding,) = compare(gone, table)
    assert "psnr of embedded ours: nothing here" in finding.sentence()


def test_tolerances_are_of_columns_that_there_are():
    assert {*TOLERANCE, *TOLERATED_CLIPS} <= {column.metric for column in COLUMNS}
    assert tolerance_of("blink_duration_n") == tolerance_of("blink_duration_difference_n") == 1
    assert tolerance_of("head_motion_difference_low") == tolerance_of("head_motion") > 0
    assert tolerance_of("mouth_audio_lag") == tolerance_of("clips") == 0


def verify(metrics, expected):
    call(
        verify_table.main,
        metrics=metrics,
        distances=[],
        indexes=[],
        settings=SETTINGS,
        planned={},
        expected=str(expected),
    )


def test_the_command_says_which_and_fails_where_it_differs(metrics, table, tmp_path, capsys):
    path = tmp_path / "expected.csv"
    table.to_csv(path, index=False)
    verify(metrics, path)
    assert capsys.readouterr().out == f"table 1 against {path}: equal (2 rows, {len(table.columns)} columns)\n"
    shifted(table, "lmd_mouth", 0.004).to_csv(path, index=False)
    verify(metrics, path)
    assert "equal within the stated tolerance" in capsys.readouterr().out
    shifted(table, "psnr", 0.001).to_csv(path, index=False)
    with pytest.raises(SystemExit) as stop:
        verify(metrics, path)
    assert stop.value.code == 1
    assert "psnr of embedded ours: " in capsys.readouterr().out
    with pytest.raises(UserError, match="there is no expected table"):
        verify(metrics, tmp_path / "none.csv")


def test_altered_results_are_refused(metrics, table, tmp_path):
    table.to_csv(tmp_path / "expected.csv", index=False)
    with open(metrics[0], "a") as stream:
        stream.write("\n")
    with pytest.raises(UserError, match="was altered after it was made"):
        verify(metrics, tmp_path / "expected.csv")
