"""Pack all data of the clips of a shard into one WebDataset tar."""

from dheads_model.manifest import read_manifest
from dheads_model.stages.pack import pack_shard
from workflow_scripts.command import add_budget, command_parser, run_command
from workflow_scripts.finish import finish_stage

STAGES = ("source", "track", "align", "crop", "landmark", "audio")


def main(arguments) -> None:
    manifests = {stage: getattr(arguments, stage) for stage in STAGES}
    source, outcomes = read_manifest(arguments.source), pack_shard(manifests, arguments.output)
    made_from = list(manifests.values())
    finish_stage(arguments, "pack_shards", source.dataset, source, outcomes, [arguments.output], made_from=made_from)


if __name__ == "__main__":
    parser = add_budget(command_parser(__doc__))
    for name in (*STAGES, "output", "manifest"):
        parser.add_argument(f"--{name}", required=True)
    run_command("workflow_scripts.pack_shards", parser, main)
