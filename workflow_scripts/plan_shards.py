"""Write the plan of a dataset: which clips form which shard, one file a shard."""

import json
from pathlib import Path

from dheads_model.corpora.plan import SPLITS, write_plan
from dheads_model.errors import UserError
from workflow_scripts.command import parser, run
from workflow_scripts.planning import plan_dataset


def main(given) -> None:
    shards = plan_dataset(given.dataset, given.settings)
    found = {split: sum(len(shard.clips) for shard in shards if shard.split == split) for split in SPLITS}
    if found != given.clips:
        raise UserError(
            f"dataset {given.dataset} has {_named(found)} clips, and the run was planned for {_named(given.clips)}; give the "
            "same command again to plan with what is there."
        )
    for shard in shards:
        write_plan(Path(given.folder, f"{shard.shard}.json"), given.dataset, shard)


def _named(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[split]} {split}" for split in SPLITS)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--dataset", required=True)
    arguments.add_argument("--folder", required=True)
    arguments.add_argument("--clips", type=json.loads, required=True, help="planned number of clips by split, as JSON")
    run("workflow_scripts.plan_shards", arguments, main)
