"""Train one run to the end, or resume its training."""

import json
import sys

import torch

from dheads_model.checksum import checksum_path
from dheads_model.errors import UserError
from dheads_model.network.talking_model import pick_device
from dheads_model.stages.train import TrainingFiles, export_run, recorded_settings, train_run
from dheads_model.training.cost import Cost
from dheads_model.training.distributed import init_distributed
from dheads_model.training.settings import run_settings
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import keep_recipe

FILES = ("--index", "--state", "--output", "--training-log")


def main(arguments) -> None:
    torch.set_num_threads(arguments.threads)
    if arguments.dry_run:
        config = recorded_settings(arguments.like) if arguments.like else arguments.settings
        report = Cost.of(run_settings(config), pick_device()).report()
        print(f"{json.dumps(config, indent=1)}\n{report}")
        return
    missing = [name for name in FILES if getattr(arguments, name[2:].replace("-", "_")) is None]
    if missing:
        raise UserError(f"{', '.join(missing)} must be given, or --dry-run.")
    files = TrainingFiles(
        arguments.index,
        arguments.state,
        arguments.audio_encoder,
        arguments.published_audio_encoder,
        arguments.teacher,
    )
    with init_distributed() as ranks:
        if ranks.is_main_process:
            print(json.dumps(arguments.settings, indent=1), file=sys.stderr)
        finished = train_run(arguments.settings, files, arguments.threads, ranks)
        if ranks.is_main_process:
            export_run(finished, arguments.output, arguments.training_log, arguments.framing, arguments.methods)
            product, outside = checksum_path(arguments.output), filter(None, [arguments.published_audio_encoder])
            framing = {"framing": arguments.framing}
            keep_recipe(arguments, "train_model", product, finished.made_from(), outside, framing)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    framing = "the blocks align and crop that the data were prepared with, as one JSON object; kept in the model"
    parser.add_argument("--framing", type=json.loads, default={}, help=framing)
    methods = "{method: its block sampling} of those that sample from the model, as one JSON object; kept in the model"
    parser.add_argument("--methods", type=json.loads, default={}, help=methods)
    parser.add_argument("--dry-run", action="store_true", help="print the cost of the training without training")
    parser.add_argument("--like", help="model.json of a finished run, whose settings --dry-run uses instead")
    parser.add_argument("--audio-encoder", nargs="?", help="sync encoder that initialises the audio encoder")
    parser.add_argument("--teacher", nargs="?", help="export of the run that a distilled run learns from")
    parser.add_argument(
        "--published-audio-encoder", nargs="?", help="audio_encoder.pt, for network.audio_encoder published"
    )
    for name in FILES:
        parser.add_argument(name)
    run_command("workflow_scripts.train_model", parser, main)
