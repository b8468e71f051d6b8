"""A prepared dataset for people to look at: contact sheet, histograms, the clips that differ most."""

from pathlib import Path

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.tables.quality_report import contact_sheet, draw_histograms, draw_sheet, worst_clips, write_page
from workflow_scripts.command import parser, run


def main(given) -> None:
    tables = Path(given.measured_folder)
    parts = [pd.read_parquet(tables / f"{number}.parquet") for number in given.shards]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    if table.empty:
        raise UserError("no clip was kept, so there is nothing to look at; see results/data_card.md for the reasons.")
    worst = worst_clips(table, given.settings["worst_clips"])
    draw_sheet(contact_sheet(table, given.settings["max_tiles"]), given.sheet)
    draw_sheet(list(zip(worst["clip"], worst["picture"], strict=True)), given.worst)
    draw_histograms(table, given.histograms)
    write_page(table, worst, given.page)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--shards", nargs="+", required=True, help="numbers of the measured shards")
    for name in ("--measured-folder", "--sheet", "--worst", "--histograms", "--page"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.write_quality_report", arguments, main)
