"""Write table 1 as csv, markdown, tex and html, and its provenance."""

import json
import sys

from dheads_model.files import sha256_of, write_json, write_text
from dheads_model.shards.index import read_index
from dheads_model.stages.table_rows import made_by
from dheads_model.tables.table1 import (
    to_csv,
    to_markdown,
    to_tex,
)
from dheads_model.tables.table1_html import to_html
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.table_inputs import add_table_inputs, read_table_inputs


def main(arguments) -> None:
    _, rows, notes, recipes = read_table_inputs(arguments)
    write_text(arguments.output_markdown, to_markdown(rows, notes))
    write_text(arguments.output_tex, to_tex(rows))
    write_text(arguments.output_html, to_html(rows, notes))
    indexes = {index.dataset: index.fingerprint for index in map(read_index, arguments.indexes)}
    provenance = json.loads(arguments.provenance_input)
    provenance |= {
        "data": indexes,
        "python": sys.version.split()[0],
        "made_by": made_by(recipes),
        "metrics": {path: sha256_of(path) for path in [*arguments.metrics, *arguments.distances]},
    }
    write_json(arguments.output_provenance, provenance)
    write_text(arguments.output_csv, to_csv(rows))


if __name__ == "__main__":
    parser = add_table_inputs(command_parser(__doc__))
    for name in (
        "--provenance-input",
        "--output-csv",
        "--output-markdown",
        "--output-tex",
        "--output-html",
        "--output-provenance",
    ):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_table1", parser, main)
