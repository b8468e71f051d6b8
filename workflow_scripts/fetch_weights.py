"""Download one file of network weights and check its size and hash."""

from dheads_model.errors import UserError
from dheads_model.weights import fetch_weights, read_weights_table
from workflow_scripts.command import parser, run


def main(given) -> None:
    table = read_weights_table(given.table)
    if given.name not in table:
        raise UserError(f"{given.table} does not list {given.name}; it has {', '.join(sorted(table))}.")
    fetch_weights(table[given.name], given.output)


if __name__ == "__main__":
    arguments = parser(__doc__)
    for name in ("--name", "--table", "--output"):
        arguments.add_argument(name, required=True)
    run("workflow_scripts.fetch_weights", arguments, main)
