"""Compare table 1, computed again from the per-clip results, with the one that is expected of the default run."""

import sys
from io import StringIO
from pathlib import Path

from dheads_model.errors import EXIT_FAILED, UserError
from dheads_model.tables.expected import compare, read_table, verdict
from dheads_model.tables.table1 import to_csv
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.table_inputs import add_table_inputs, read_table_inputs


def main(arguments) -> None:
    if not Path(arguments.expected).is_file():
        raise UserError(f"there is no expected table {arguments.expected}; name one with --expected.")
    _, rows, _, _ = read_table_inputs(arguments)
    found, expected = read_table(StringIO(to_csv(rows))), read_table(arguments.expected)
    findings = compare(found, expected)
    for finding in findings:
        print(finding.sentence())
    result = verdict(findings)
    print(f"table 1 against {arguments.expected}: {result} ({len(expected)} rows, {len(expected.columns)} columns)")
    if result == "differs":
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    parser = add_table_inputs(command_parser(__doc__))
    parser.add_argument("--expected", required=True)
    run_command("workflow_scripts.verify_table", parser, main)
