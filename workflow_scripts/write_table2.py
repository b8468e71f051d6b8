"""Write table 2 from the votes of an opinion study, as csv, markdown, tex and html."""

import json
from pathlib import Path

from dheads_model.files import write_text
from dheads_model.tables.opinion import read_votes, table2
from dheads_model.tables.table2 import table2_files
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    key = json.loads(Path(arguments.key).read_text(encoding="utf-8"))
    texts = table2_files(table2(read_votes(arguments.votes, key), key["methods"]), key["dataset"])
    write_text(arguments.output_markdown, texts["md"])
    write_text(arguments.output_tex, texts["tex"])
    write_text(arguments.output_html, texts["html"])
    write_text(arguments.output_csv, texts["csv"])


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--key", "--votes", "--output-csv", "--output-markdown", "--output-tex", "--output-html"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_table2", parser, main)
