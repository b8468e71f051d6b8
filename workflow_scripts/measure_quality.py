"""Quality of every prepared clip of a shard, one row a clip, and its middle frame as an image."""

from dheads_model.files import atomic_path
from dheads_model.stages.prepared_clips import quality_table
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    table = quality_table(arguments.track, arguments.shard)
    with atomic_path(arguments.output) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--track", "--shard", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.measure_quality", parser, main)
