"""Features of one method's videos of a test shard, by the network of one distance between sets of clips."""

from dheads_model.errors import UserError
from dheads_model.fingerprint import digest
from dheads_model.manifest import read_manifest
from dheads_model.metrics.set_distance import FOLDER, load_distance
from dheads_model.stages.extract import extract_shard
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    name = arguments.settings["distance"]
    if digest(f"{FOLDER}.{name}", ("dheads_model.metrics.distribution",)) != arguments.settings["network_code"]:
        raise UserError(f"the code behind {FOLDER}.{name} was edited after this job was planned; run snakemake again.")
    import torch

    torch.set_num_threads(1)  # another number rounds differently
    videos = read_manifest(arguments.videos)
    outcomes = extract_shard(
        arguments.videos, load_distance(name), arguments.settings, arguments.weights_folder, arguments.output
    )
    finish_stage(
        arguments, "extract_features", videos.dataset, videos, outcomes, [arguments.output], [arguments.videos],
        outside=arguments.weights,
    )  # fmt: skip


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--weights-folder", default="resources/weights")
    parser.add_argument("--weights", nargs="*", default=[], help="the files there that the network reads")
    for name in ("--videos", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.extract_features", parser, main)
