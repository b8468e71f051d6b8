"""Compare table 1, computed again from the per-clip results, with the one that is expected of the default run."""

import json
import sys
from io import StringIO
from pathlib import Path

from dheads_model.errors import EXIT_FAILED, UserError
from dheads_model.recipe import check_chain
from dheads_model.stages.table_rows import read_rows
from dheads_model.tables.expected import compare, read_table, verdict
from dheads_model.tables.table1 import to_csv
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    if not Path(arguments.expected).is_file():
        raise UserError(f"there is no expected table {arguments.expected}; name one with --expected.")
    check_chain([*arguments.metrics, *arguments.distances, *arguments.indexes], arguments.planned)
    _, rows, _ = read_rows(arguments.metrics, arguments.settings, arguments.distances)
    found, expected = read_table(StringIO(to_csv(rows))), read_table(arguments.expected)
    findings = compare(found, expected)
    for finding in findings:
        print(finding.sentence())
    result = verdict(findings)
    print(f"table 1 against {arguments.expected}: {result} ({len(expected)} rows, {len(expected.columns)} columns)")
    if result == "differs":
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--metrics", nargs="*", required=True)
    parser.add_argument("--distances", nargs="*", required=True, help="files of the distances between sets of clips")
    parser.add_argument("--indexes", nargs="*", required=True)
    parser.add_argument("--planned", type=json.loads, default={}, help="settings and code of every rule, as JSON")
    parser.add_argument("--expected", required=True)
    run_command("workflow_scripts.verify_table", parser, main)
