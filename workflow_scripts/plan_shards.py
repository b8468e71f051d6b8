"""Write the plan of a dataset: which clips form which shard, one file a shard."""

from pathlib import Path

from dheads_model.corpora.plan import write_plan
from workflow_scripts.command import parser, run
from workflow_scripts.planning import plan_dataset


def main(given) -> None:
    for number, shard in plan_dataset(given.dataset, given.settings).items():
        write_plan(Path(given.folder, f"{number}.json"), given.dataset, shard)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--dataset", required=True)
    arguments.add_argument("--folder", required=True)
    run("workflow_scripts.plan_shards", arguments, main)
