"""Audio at 16 kHz on the clock of the crops, and its log filterbank, for the clips of a shard."""

from dheads_model.manifest import read_manifest
from dheads_model.stages.audio import extract_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage


def main(arguments) -> None:
    source, align = read_manifest(arguments.source), read_manifest(arguments.align)
    settings = arguments.settings
    outcomes = extract_shard(source, align, settings["silence_dbfs"], settings["bands"], arguments.output)
    made_from = [arguments.source, arguments.align]
    finish_stage(arguments, "extract_audio", align.dataset, align, outcomes, [arguments.output], made_from=made_from)


if __name__ == "__main__":
    parser = add_budget(command_parser(__doc__))
    for name in ("--source", "--align", "--output", "--manifest"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.extract_audio", parser, main)
