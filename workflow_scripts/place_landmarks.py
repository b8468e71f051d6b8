"""The 68 landmarks of a shard's clips in pixels of the crop: by its transform, or found again in the crop."""

from dheads_model.config import build
from dheads_model.faces.redetect_settings import RedetectSettings
from dheads_model.manifest import read_manifest
from dheads_model.stages.landmark import place_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    settings = build(RedetectSettings, arguments.settings, "landmark")
    outcomes = place_shard(
        arguments.track, arguments.align, arguments.crop, settings, arguments.weights_folder, arguments.output
    )
    crop = read_manifest(arguments.crop)
    made_from = [arguments.source, arguments.track, arguments.align, arguments.crop]
    finish_stage(arguments, "place_landmarks", crop.dataset, crop, outcomes, [arguments.output], made_from=made_from)


if __name__ == "__main__":
    parser = add_budget(command_parser(__doc__))
    parser.add_argument("--weights-folder", default="resources/weights")
    for name in ("--source", "--track", "--align", "--crop", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.place_landmarks", parser, main)
