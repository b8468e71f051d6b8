"""The clips of one shard, listed again by the first job that opens them, and its plan file."""

import argparse
import json

from dheads_model.corpora.plan import PlannedShard, read_plan, write_plan
from dheads_model.errors import UserError
from workflow_scripts.planning.shards import outline_dataset, plan_dataset


def add_plan(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the arguments of `planned_shard` to a parser."""
    parser.add_argument("--plan", required=True, help="plan file to write; to read if --planning is not given")
    parser.add_argument("--planning", type=json.loads, help="config that decides which clips there are, as JSON")
    parser.add_argument("--shard", help="five-digit number of the shard")
    parser.add_argument("--membership", default="", help="digest of the clips that were planned for it")
    parser.add_argument("--dataset", required=True, help="name of the dataset")
    parser.add_argument("--corpus-folder", help="folder for files that are fetched or made")
    parser.add_argument("--hosts", type=json.loads, default={}, help="how files are fetched, as JSON")
    parser.add_argument("--manifest", required=True)
    return parser


def planned_shard(arguments: argparse.Namespace, dataset: str) -> PlannedShard:
    """The shard that was planned, after its plan file was written.

    One job per shard lists the clips again, not one job for all: with a job above all shards, one more clip would
    make Snakemake rerun every shard. Raises UserError when other clips are there now.
    """
    if arguments.planning is None:
        return read_plan(arguments.plan)[1]
    outline = outline_dataset(dataset, arguments.planning).get(arguments.shard)
    found = [shard for shard in plan_dataset(dataset, arguments.planning) if shard.shard == arguments.shard]
    if (
        outline is None
        or outline.membership != arguments.membership
        or not found
        or not (outline.estimated or len(found[0].clips) == outline.clips)
    ):
        raise UserError(
            f"the clips of shard {arguments.shard} of {dataset} are not those that were planned: files came, went or changed "
            "meanwhile; run the same command again to plan with what is there."
        )
    write_plan(arguments.plan, dataset, found[0])
    return found[0]
