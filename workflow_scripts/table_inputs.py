"""What every table is made of: results of clips and of sets of clips, checked back to the clips."""

import argparse
import json

import pandas as pd

from dheads_model.recipe import Recipe, check_chain
from dheads_model.stages.table_rows import read_rows
from dheads_model.tables.table1 import Row


def add_table_inputs(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the arguments of `read_table_inputs` to a parser."""
    parser.add_argument("--metrics", nargs="*", required=True)
    parser.add_argument("--distances", nargs="*", required=True, help="files of the distances between sets of clips")
    parser.add_argument("--indexes", nargs="*", required=True)
    parser.add_argument("--planned", type=json.loads, default={}, help="settings and code of every rule, as JSON")
    return parser


def read_table_inputs(arguments: argparse.Namespace) -> tuple[pd.DataFrame, list[Row], list[str], dict[str, Recipe]]:
    """(values of clips, the table's rows, notes below it, recipes of all that they were made from).

    Raises UserError as `check_chain` does, before anything is read.
    """
    recipes = check_chain([*arguments.metrics, *arguments.distances, *arguments.indexes], arguments.planned)
    return (*read_rows(arguments.metrics, arguments.settings, arguments.distances), recipes)
