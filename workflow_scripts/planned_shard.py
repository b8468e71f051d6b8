"""The clips of one shard, listed again by the job that looks at them first, and its plan file."""

import argparse
import json

from dheads_model.corpora.plan import PlannedShard, read_plan, write_plan
from dheads_model.errors import UserError
from workflow_scripts.planning.shards import outline_dataset, plan_dataset


def add_plan(arguments: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the arguments of `planned_shard` to a parser."""
    arguments.add_argument("--plan", required=True, help="plan file to write; to read where --planning is not given")
    arguments.add_argument("--planning", type=json.loads, help="config that decides which clips there are, as JSON")
    arguments.add_argument("--shard", help="five-digit number of the shard")
    arguments.add_argument("--membership", default="", help="digest of the clips that were planned for it")
    arguments.add_argument("--dataset", required=True, help="name of the dataset")
    arguments.add_argument("--corpus-folder", help="folder for files that are fetched or made")
    arguments.add_argument("--hosts", type=json.loads, default={}, help="how files are fetched, as JSON")
    arguments.add_argument("--manifest", required=True)
    return arguments


def planned_shard(given: argparse.Namespace, dataset: str) -> PlannedShard:
    """The shard that was planned, after its plan file was written.

    One job a shard lists the clips again, rather than one job for all: where a job above all shards ran, Snakemake
    would make every shard anew for one clip more. Raises UserError when other clips are there now.
    """
    if given.planning is None:
        return read_plan(given.plan)[1]
    outline = outline_dataset(dataset, given.planning).get(given.shard)
    found = [shard for shard in plan_dataset(dataset, given.planning) if shard.shard == given.shard]
    if outline is None or outline.membership != given.membership or not found or len(found[0].clips) != outline.clips:
        raise UserError(
            f"the clips of shard {given.shard} of {dataset} are not those that were planned: files came, went or changed "
            "meanwhile; run the same command again to plan with what is there."
        )
    write_plan(given.plan, dataset, found[0])
    return found[0]
