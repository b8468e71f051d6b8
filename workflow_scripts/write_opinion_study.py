"""Write the page of an opinion study, with its videos inside, and the key that says which video is of which method."""

import base64
import json
from pathlib import Path

from dheads_model.files import write_json, write_text
from dheads_model.manifest import read_manifest, verify_file
from dheads_model.tables import opinion
from workflow_scripts.command import command_parser, run_command

TEMPLATE = Path(opinion.__file__).with_name("opinion_page.html")


def main(arguments) -> None:
    settings, videos = arguments.settings, {}
    for path in arguments.videos:
        manifest, method = read_manifest(path), Path(path).parent.parent.name
        videos |= {(method, Path(file.name).stem): (path, file) for file in manifest.files}
    methods = [method for method in settings["methods"] if any(key[0] == method for key in videos)]
    # Clips of which every method has a video.
    clips = (
        set.intersection(*({clip for one, clip in videos if one == method} for method in methods)) if methods else set()
    )
    key = opinion.make_sheets(
        methods, sorted(clips), settings["clips_per_method"], settings["sheets"], settings["seed"]
    )
    shown = {
        name: base64.b64encode(verify_file(*videos[item["method"], item["clip"]]).read_bytes()).decode()
        for name, item in key["items"].items()
    }
    # Raters must not see which item is of which method: the page has the videos and the sheets only.
    study = {"study": key["study"], "sheets": key["sheets"], "videos": shown}
    page = TEMPLATE.read_text(encoding="utf-8").replace("__STUDY__", json.dumps(study, sort_keys=True))
    write_text(arguments.output, page)
    write_json(arguments.key, key | {"methods": methods, "dataset": arguments.dataset})


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--videos", nargs="+", required=True, help="manifests of the videos of all methods")
    for name in ("--dataset", "--output", "--key"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_opinion_study", parser, main)
