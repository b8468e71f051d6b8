"""Compare table 1, computed again from the per-clip results, with the one that is expected of the default run."""

import json
import sys
from io import StringIO
from pathlib import Path

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.recipe import check_chain
from dheads_model.tables.expected import compare, verdict
from dheads_model.tables.table1 import to_csv
from workflow_scripts.command import parser, run
from workflow_scripts.write_table1 import read_rows


def main(given) -> None:
    if not Path(given.expected).is_file():
        raise UserError(f"there is no expected table {given.expected}; name one with --expected.")
    check_chain([*given.metrics, *given.indexes], given.planned)
    _, rows, _ = read_rows(given.metrics, given.settings)
    found, expected = read_table(StringIO(to_csv(rows))), read_table(given.expected)
    findings = compare(found, expected)
    for finding in findings:
        print(finding.sentence())
    result = verdict(findings)
    print(f"table 1 against {given.expected}: {result} ({len(expected)} rows, {len(expected.columns)} columns)")
    if result == "differs":
        sys.exit(1)


def read_table(source) -> pd.DataFrame:
    """Table 1 from its CSV, every digit of it."""
    return pd.read_csv(source, float_precision="round_trip")


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--metrics", nargs="*", required=True)
    arguments.add_argument("--indexes", nargs="*", required=True)
    arguments.add_argument("--planned", type=json.loads, default={}, help="settings and code of every rule, as JSON")
    arguments.add_argument("--expected", required=True)
    run("workflow_scripts.verify_table", arguments, main)
