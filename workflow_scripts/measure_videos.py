"""All metrics of one method's videos of a test shard, one row a clip and metric, and the landmarks they come from."""

from dheads_model.manifest import read_manifest
from dheads_model.stages.measure import measure_shard
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    videos, files = read_manifest(arguments.videos), [arguments.output, arguments.landmarks]
    outcomes = measure_shard(
        arguments.shard, arguments.videos, arguments.method, arguments.settings, arguments.weights_folder, *files,
        arguments.phones,
    )  # fmt: skip
    made_from = [arguments.shard, arguments.videos, *filter(None, [arguments.phones])]
    finish_stage(arguments, "measure_videos", videos.dataset, videos, outcomes, files, made_from)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--weights-folder", default="resources/weights")
    parser.add_argument("--phones", nargs="?", help="manifest of the phone times, where a metric needs them")
    for name in ("--shard", "--videos", "--method", "--output", "--landmarks", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.measure_videos", parser, main)
