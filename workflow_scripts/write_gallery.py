"""Write the gallery: a folder with a page that plays the videos of all methods side by side."""

import json
import logging
import shutil
from pathlib import Path

from dheads_model.config import build
from dheads_model.files import write_text
from dheads_model.recipe import check_chain
from dheads_model.stages.gallery import write_gallery
from dheads_model.tables.gallery import page_above
from dheads_model.tables.gallery_settings import GallerySettings
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    check_chain(arguments.metrics, arguments.planned)
    folder = Path(arguments.folder)
    if folder.exists():
        shutil.rmtree(folder)
    settings = arguments.settings
    page = write_gallery(
        folder,
        dict(settings["methods"]),
        build(GallerySettings, settings["gallery"], "gallery"),
        arguments.videos,
        arguments.metrics,
        arguments.sources,
        settings["plots"],
        arguments.table,
    )
    write_text(arguments.output, page_above(page, folder.name))
    logging.info("gallery: open %s in a browser; its folder can be copied or zipped.", arguments.output)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--videos", "--metrics", "--sources"):
        parser.add_argument(name, nargs="*", required=True)
    parser.add_argument("--planned", type=json.loads, default={}, help="settings and code of every rule, as JSON")
    for name in ("--table", "--folder", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_gallery", parser, main)
