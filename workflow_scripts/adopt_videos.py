"""Videos of a method that runs elsewhere, for the clips of a test shard, encoded as all others are."""

from pathlib import Path

from dheads_model.manifest import read_manifest
from dheads_model.stages.outside_videos import adopt_videos
from workflow_scripts.command import add_subset, command_parser, run_command
from workflow_scripts.finish import finish_stage, video_files


def main(arguments) -> None:
    shard, folder = read_manifest(arguments.shard), Path(arguments.videos_folder)
    source, subset = Path(arguments.settings["path"]), arguments.subset
    outcomes, outside = adopt_videos(shard, arguments.shard, arguments.method, source, folder, subset)
    files, made_from, chosen = video_files(folder, outcomes), [arguments.shard], {"subset": subset}
    finish_stage(arguments, "adopt_videos", shard.dataset, shard, outcomes, files, made_from, outside, chosen)


if __name__ == "__main__":
    parser = add_subset(command_parser(__doc__))
    for name in ("--shard", "--method", "--videos-folder", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.adopt_videos", parser, main)
