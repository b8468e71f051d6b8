"""Similarity transform of every output frame to the mean face, on a clock of 25 frames a second."""

from dheads_model.config import build
from dheads_model.faces.align_settings import AlignSettings
from dheads_model.manifest import read_manifest
from dheads_model.stages.align import align_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    track = read_manifest(arguments.track)
    outcomes = align_shard(arguments.track, build(AlignSettings, arguments.settings, "align"), arguments.output)
    made_from = [arguments.source, arguments.track]
    finish_stage(arguments, "align_faces", track.dataset, track, outcomes, [arguments.output], made_from=made_from)


if __name__ == "__main__":
    parser = add_budget(command_parser(__doc__))
    for name in ("--source", "--track", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.align_faces", parser, main)
