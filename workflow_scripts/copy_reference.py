"""Reference videos, encoded as a model's are: the ground truth, its first frame repeated, or another clip."""

from pathlib import Path

from dheads_model.manifest import read_manifest
from dheads_model.stages.reference import copy_references
from workflow_scripts.command import add_subset, command_parser, run_command
from workflow_scripts.finish import finish_stage, video_files


def main(arguments) -> None:
    shard, folder = read_manifest(arguments.shard), Path(arguments.videos_folder)
    outcomes = copy_references(arguments.shard, arguments.settings["kind"], folder, arguments.subset)
    files, made_from = video_files(folder, outcomes), [arguments.shard]
    chosen = {"subset": arguments.subset}
    finish_stage(arguments, "copy_reference", shard.dataset, shard, outcomes, files, made_from, more_settings=chosen)


if __name__ == "__main__":
    parser = add_subset(command_parser(__doc__))
    for name in ("--shard", "--videos-folder", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.copy_reference", parser, main)
