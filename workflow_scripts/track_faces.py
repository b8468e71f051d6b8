"""Find the face and its 68 landmarks in every frame of the clips of a shard."""

from dheads_model.config import build
from dheads_model.faces.track_settings import TrackSettings
from dheads_model.manifest import read_manifest
from dheads_model.stages.track import track_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    source = read_manifest(arguments.source)
    settings = build(TrackSettings, arguments.settings, "track")
    outcomes = track_shard(source, settings, arguments.weights_folder, arguments.output)
    finish_stage(
        arguments, "track_faces", source.dataset, source, outcomes, [arguments.output], made_from=[arguments.source]
    )


if __name__ == "__main__":
    parser = add_budget(command_parser(__doc__))
    parser.add_argument("--threads", type=int, default=1)
    for name in ("--source", "--weights-folder", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.track_faces", parser, main)
