"""Report on a prepared dataset: contact sheet, histograms, outlier clips."""

from pathlib import Path

import pandas as pd

from dheads_model.errors import UserError
from dheads_model.tables.quality_report import contact_sheet, draw_histograms, draw_sheet, worst_clips, write_page
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    tables = Path(arguments.measured_folder)
    parts = [pd.read_parquet(tables / f"{number}.parquet") for number in arguments.shards]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    if table.empty:
        raise UserError("no clip was kept, so there is nothing to report; see results/data_card.md for the reasons.")
    worst = worst_clips(table, arguments.settings["worst_clips"])
    draw_sheet(contact_sheet(table, arguments.settings["max_tiles"]), arguments.sheet)
    draw_sheet(list(zip(worst["clip"], worst["picture"], strict=True)), arguments.worst)
    draw_histograms(table, arguments.histograms)
    write_page(table, worst, arguments.page)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--shards", nargs="+", required=True, help="numbers of the measured shards")
    for name in ("--measured-folder", "--sheet", "--worst", "--histograms", "--page"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_quality_report", parser, main)
