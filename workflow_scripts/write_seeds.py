"""Write mean and spread over trainings with several seeds as csv and markdown."""

import json

from dheads_model.files import write_text
from dheads_model.recipe import check_chain
from dheads_model.tables.seeds import make_spreads, to_csv, to_markdown
from workflow_scripts.command import parser, run
from workflow_scripts.write_table1 import read_rows


def main(given) -> None:
    check_chain([*given.metrics, *given.indexes], given.planned)
    values, _, _ = read_rows(given.metrics, given.settings)
    spreads = make_spreads(values, given.repeats)
    write_text(given.output_markdown, to_markdown(spreads))
    write_text(given.output_csv, to_csv(spreads))


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--metrics", nargs="*", required=True)
    arguments.add_argument("--indexes", nargs="*", required=True)
    arguments.add_argument("--planned", type=json.loads, default={}, help="settings and code of every rule, as JSON")
    arguments.add_argument("--repeats", type=json.loads, required=True, help="{method: [[its name, training seed]]}")
    for name in ("--output-csv", "--output-markdown"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.write_seeds", arguments, main)
