"""Write the means of every metric for each speaker and method as csv."""

import json

from dheads_model.files import write_text
from dheads_model.recipe import check_chain
from dheads_model.stages.table_rows import read_rows
from dheads_model.tables.per_speaker import per_speaker, to_csv
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    check_chain([*arguments.metrics, *arguments.distances, *arguments.indexes], arguments.planned)
    values, _, _ = read_rows(arguments.metrics, arguments.settings, arguments.distances)
    write_text(arguments.output, to_csv(per_speaker(values, [name for name, _ in arguments.settings["methods"]])))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--metrics", nargs="*", required=True)
    parser.add_argument("--distances", nargs="*", required=True, help="files of the distances between sets of clips")
    parser.add_argument("--indexes", nargs="*", required=True)
    parser.add_argument("--planned", type=json.loads, default={}, help="settings and code of every rule, as JSON")
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.write_per_speaker", parser, main)
