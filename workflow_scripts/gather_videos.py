"""One manifest of all videos of a test shard, from those of its sampling jobs."""

from dheads_model.manifest import read_manifest, verify_file
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    parts = [read_manifest(path) for path in arguments.parts]
    outcomes = [outcome for part in parts for outcome in part.clips]
    files = [
        verify_file(path, stored) for path, part in zip(arguments.parts, parts, strict=True) for stored in part.files
    ]
    shard = read_manifest(arguments.shard)
    made_from = [arguments.shard, *arguments.parts]
    finish_stage(arguments, "gather_videos", shard.dataset, shard, outcomes, files, made_from)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--parts", nargs="+", required=True, help="manifests of the sampling jobs")
    for name in ("--shard", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.gather_videos", parser, main)
