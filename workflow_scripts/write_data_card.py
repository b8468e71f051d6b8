"""Write the status of every planned clip, as a table and as a page."""

import json

from dheads_model.files import write_text
from dheads_model.tables.cells import csv_table
from dheads_model.tables.data_card import card, fates_of, markdown
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    fates = [
        fate
        for dataset, numbers in arguments.shards.items()
        for fate in fates_of(arguments.resources, dataset, numbers)
    ]
    table = card(fates)
    write_text(arguments.output_csv, csv_table(table))
    write_text(arguments.output_markdown, markdown(fates, table, arguments.absent))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--shards", type=json.loads, required=True, help="{dataset: numbers of its shards} as JSON")
    parser.add_argument("--absent", type=json.loads, default={}, help="{dataset: why it is not here} as JSON")
    for name in ("--resources", "--output-csv", "--output-markdown"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_data_card", parser, main)
