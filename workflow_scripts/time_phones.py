"""Phone times of the clips of a test shard: those of the corpus, else by forced alignment of the transcripts."""

from dheads_model.manifest import read_manifest
from dheads_model.stages.time_phones import time_phones
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    shard = read_manifest(arguments.shard)
    outcomes = time_phones(arguments.shard, arguments.source, arguments.output)
    made_from = [arguments.shard, arguments.source]
    finish_stage(arguments, "time_phones", shard.dataset, shard, outcomes, [arguments.output], made_from)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--shard", "--source", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.time_phones", parser, main)
