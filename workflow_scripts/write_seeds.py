"""Write mean and standard deviation over trainings with several seeds as csv and markdown."""

import json

from dheads_model.files import write_text
from dheads_model.recipe import check_chain
from dheads_model.stages.table_rows import read_rows
from dheads_model.tables.seeds import make_spreads, to_csv, to_markdown
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    check_chain([*arguments.metrics, *arguments.distances, *arguments.indexes], arguments.planned)
    values, _, _ = read_rows(arguments.metrics, arguments.settings, arguments.distances)
    spreads = make_spreads(values, arguments.repeats)
    write_text(arguments.output_markdown, to_markdown(spreads))
    write_text(arguments.output_csv, to_csv(spreads))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--metrics", nargs="*", required=True)
    parser.add_argument("--distances", nargs="*", required=True, help="files of the distances between sets of clips")
    parser.add_argument("--indexes", nargs="*", required=True)
    parser.add_argument("--planned", type=json.loads, default={}, help="settings and code of every rule, as JSON")
    parser.add_argument("--repeats", type=json.loads, required=True, help="{method: [[its name, training seed]]}")
    for name in ("--output-csv", "--output-markdown"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_seeds", parser, main)
