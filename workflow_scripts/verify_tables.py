"""Compute the tables in results/ again from the per-clip results and the votes, and compare them byte for byte."""

import json
import sys
from pathlib import Path

from dheads_model.errors import EXIT_FAILED
from dheads_model.tables import opinion, seeds
from dheads_model.tables.table1 import to_csv, to_markdown, to_tex
from dheads_model.tables.table1_html import to_html
from dheads_model.tables.table2 import table2_files
from dheads_model.tables.table3 import table3_files
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.table_inputs import add_table_inputs, read_table_inputs


def main(arguments) -> None:
    _, rows, notes, _ = read_table_inputs(arguments)
    texts = {
        "table1.csv": to_csv(rows), "table1.md": to_markdown(rows, notes), "table1.tex": to_tex(rows),
        "table1.html": to_html(rows, notes),
    }  # fmt: skip
    if arguments.repeats:
        spreads = seeds.make_spreads(rows, arguments.repeats)
        texts |= {"seeds.csv": seeds.to_csv(spreads), "seeds.md": seeds.to_markdown(spreads)}
    if arguments.ablation:
        texts |= {f"table3.{form}": text for form, text in table3_files(rows, arguments.ablation).items()}
    if arguments.votes:
        key = json.loads(Path(arguments.key).read_text(encoding="utf-8"))
        table = opinion.table2(opinion.read_votes(arguments.votes, key), key["methods"])
        texts |= {f"table2.{form}": text for form, text in table2_files(table, key["dataset"]).items()}
    differs = False
    for name, text in texts.items():
        path = Path(arguments.folder) / name
        if not path.is_file():
            verdict = "missing"
        else:
            verdict = "equal" if path.read_bytes() == text.encode() else "differs from the per-clip results"
        differs |= verdict != "equal"
        print(f"{path}: {verdict}")
    if differs:
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    parser = add_table_inputs(command_parser(__doc__))
    parser.add_argument("--repeats", type=json.loads, default={}, help="as write_seeds has them, {} without")
    parser.add_argument("--ablation", type=json.loads, default=[], help="as write_table3 has it, [] without")
    parser.add_argument("--key", default="results/opinion_study_key.json")
    parser.add_argument("--votes", nargs="?", const="", default="", help="folder of votes, empty without")
    parser.add_argument("--folder", default="results")
    run_command("workflow_scripts.verify_tables", parser, main)
