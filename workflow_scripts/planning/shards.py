"""The shards of one dataset, for planning and for the jobs that look at its clips first. Standard library only."""

from dheads_model.corpora.dataset import load_dataset
from dheads_model.corpora.plan import PlannedShard, ShardOutline, outline, plan_shards, plan_stable_shards


def outline_dataset(dataset: str, config: dict) -> dict[str, ShardOutline]:
    """Outlines of the shards of one dataset by their number. config: whole, or what `Dataset.planning` keeps of it."""
    outlines = load_dataset(dataset).outlines(config)
    if outlines is None:
        outlines = map(outline, plan_dataset(dataset, config))
    return {one.shard: one for one in outlines}


def plan_dataset(dataset: str, config: dict) -> list[PlannedShard]:
    """Shards of one dataset with their clips, in the order of their numbers."""
    found = load_dataset(dataset)
    if found.cut is not None:
        return found.cut(found.list_clips(config), config)
    cut = plan_stable_shards if found.growing else plan_shards
    return cut(found.list_clips(config), config["sharding"]["clips_per_shard"])
