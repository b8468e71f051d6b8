"""Audio-visual sync of one method's videos of a test shard, one row a clip and metric."""

import torch

from dheads_model.errors import UserError
from dheads_model.manifest import read_manifest
from dheads_model.stages.sync_rows import measure_sync_shard
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    if bool(arguments.encoder) == bool(arguments.refusal):
        raise UserError("give either --encoder or --refusal.")
    torch.set_num_threads(1)
    videos = read_manifest(arguments.videos)
    outcomes = measure_sync_shard(
        arguments.shard, arguments.videos, arguments.measured, arguments.method, arguments.encoder, arguments.refusal,
        arguments.output,
    )  # fmt: skip
    made_from = [arguments.shard, arguments.videos, arguments.measured, *filter(None, [arguments.checksum])]
    finish_stage(arguments, "measure_sync", videos.dataset, videos, outcomes, [arguments.output], made_from)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--encoder", nargs="?", help="the encoders to measure with")
    parser.add_argument("--checksum", nargs="?", help="their checksum file")
    parser.add_argument("--refusal", nargs="?", help="why there are none, instead")
    for name in ("--shard", "--videos", "--measured", "--method", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.measure_sync", parser, main)
