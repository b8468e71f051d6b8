"""Write mean and standard deviation over trainings with several seeds as csv and markdown."""

import json

from dheads_model.files import write_text
from dheads_model.tables.seeds import make_spreads, to_csv, to_markdown
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.table_inputs import add_table_inputs, read_table_inputs


def main(arguments) -> None:
    _, rows, _, _ = read_table_inputs(arguments)
    spreads = make_spreads(rows, arguments.repeats)
    write_text(arguments.output_markdown, to_markdown(spreads))
    write_text(arguments.output_csv, to_csv(spreads))


if __name__ == "__main__":
    parser = add_table_inputs(command_parser(__doc__))
    parser.add_argument("--repeats", type=json.loads, required=True, help="{method: [[its name, training seed]]}")
    for name in ("--output-csv", "--output-markdown"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_seeds", parser, main)
