"""Write what became of every planned clip, as a table and as a page."""

import json

from dheads_model.files import write_text
from dheads_model.tables.cells import csv_table
from dheads_model.tables.data_card import card, fates_of, markdown
from workflow_scripts.command import parser, run


def main(given) -> None:
    fates = [fate for dataset, numbers in given.shards.items() for fate in fates_of(given.resources, dataset, numbers)]
    table = card(fates)
    write_text(given.output_csv, csv_table(table))
    write_text(given.output_markdown, markdown(fates, table, given.absent))


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--shards", type=json.loads, required=True, help="{dataset: numbers of its shards} as JSON")
    arguments.add_argument("--absent", type=json.loads, default={}, help="{dataset: why it is not here} as JSON")
    for name in ("--resources", "--output-csv", "--output-markdown"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.write_data_card", arguments, main)
