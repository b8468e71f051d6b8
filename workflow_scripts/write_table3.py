"""Write table 3, the ablation, as csv, markdown, tex and html."""

import json

from dheads_model.files import write_text
from dheads_model.recipe import check_chain
from dheads_model.stages.table_rows import read_rows
from dheads_model.tables.table3 import table3_files
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    check_chain([*arguments.metrics, *arguments.distances, *arguments.indexes], arguments.planned)
    _, rows, _ = read_rows(arguments.metrics, arguments.settings, arguments.distances)
    files = table3_files(rows, arguments.ablation)
    write_text(arguments.output_markdown, files["md"])
    write_text(arguments.output_tex, files["tex"])
    write_text(arguments.output_html, files["html"])
    write_text(arguments.output_csv, files["csv"])


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--metrics", nargs="*", required=True)
    parser.add_argument("--distances", nargs="*", required=True, help="files of the distances between sets of clips")
    parser.add_argument("--indexes", nargs="*", required=True)
    parser.add_argument("--planned", type=json.loads, default={}, help="settings and code of every rule, as JSON")
    parser.add_argument("--ablation", type=json.loads, required=True, help="[{method, and its varied settings}]")
    for name in ("--output-csv", "--output-markdown", "--output-tex", "--output-html"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_table3", parser, main)
