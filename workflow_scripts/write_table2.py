"""Write table 2 from the votes of an opinion study, as csv and markdown."""

import json
from pathlib import Path

from dheads_model.files import write_text
from dheads_model.tables.opinion import read_votes, table2, to_markdown
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    key = json.loads(Path(arguments.key).read_text(encoding="utf-8"))
    table = table2(read_votes(arguments.votes, key), key["methods"])
    write_text(arguments.output_markdown, to_markdown(table, key["dataset"]))
    write_text(arguments.output_csv, table.to_csv(index=False))


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--key", "--votes", "--output-csv", "--output-markdown"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_table2", parser, main)
