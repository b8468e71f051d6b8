"""Warp every output frame of the clips of a shard to the face crop and encode it."""

from dheads_model.config import build
from dheads_model.faces.crop_settings import CropSettings
from dheads_model.manifest import read_manifest
from dheads_model.stages.crop import crop_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    source = read_manifest(arguments.source)
    settings = build(CropSettings, arguments.settings, "crop")
    outcomes = crop_shard(source, arguments.align, settings, arguments.output)
    made_from = [arguments.source, arguments.align]
    finish_stage(arguments, "crop_faces", source.dataset, source, outcomes, [arguments.output], made_from=made_from)


if __name__ == "__main__":
    parser = add_budget(command_parser(__doc__))
    for name in ("--source", "--align", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.crop_faces", parser, main)
