"""Write the index of all packed shards of a dataset."""

from dheads_model.shards.index import write_index
from workflow_scripts.command import parser, run


def main(given) -> None:
    write_index(given.output, given.shards)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--shards", nargs="+", required=True)
    arguments.add_argument("--output", required=True)
    run("workflow_scripts.index_shards", arguments, main)
