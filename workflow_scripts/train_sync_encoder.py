"""Train the encoders of mouth and audio of one dataset to the end, or resume their training."""

import json
import sys

import torch

from dheads_model.checksum import checksum_path
from dheads_model.stages.train_sync import export_sync_encoder, train_on_dataset
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import keep_recipe


def main(arguments) -> None:
    torch.set_num_threads(arguments.threads)
    print(json.dumps(arguments.settings, indent=1), file=sys.stderr)
    finished = train_on_dataset(arguments.settings, arguments.index, arguments.state)
    export_sync_encoder(finished, arguments.output, arguments.log)
    keep_recipe(arguments, "train_sync_encoder", checksum_path(arguments.output), made_from=[arguments.index])


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    for name in ("--index", "--state", "--output", "--log"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.train_sync_encoder", parser, main)
