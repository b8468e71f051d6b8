"""Write table 3, the ablation, as csv, markdown, tex and html."""

import json

from dheads_model.files import write_text
from dheads_model.tables.table3 import table3_files
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.table_inputs import add_table_inputs, read_table_inputs


def main(arguments) -> None:
    _, rows, _, _ = read_table_inputs(arguments)
    files = table3_files(rows, arguments.ablation)
    write_text(arguments.output_markdown, files["md"])
    write_text(arguments.output_tex, files["tex"])
    write_text(arguments.output_html, files["html"])
    write_text(arguments.output_csv, files["csv"])


if __name__ == "__main__":
    parser = add_table_inputs(command_parser(__doc__))
    parser.add_argument("--ablation", type=json.loads, required=True, help="[{method, and its varied settings}]")
    for name in ("--output-csv", "--output-markdown", "--output-tex", "--output-html"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_table3", parser, main)
