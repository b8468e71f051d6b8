"""Download one file of network weights and check its size and hash."""

from dheads_model.errors import UserError
from dheads_model.weights import fetch_weights, read_weights_table
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    table = read_weights_table(arguments.table)
    if arguments.name not in table:
        raise UserError(f"{arguments.table} does not list {arguments.name}; it has {', '.join(sorted(table))}.")
    fetch_weights(table[arguments.name], arguments.output)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    for name in ("--name", "--table", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.fetch_weights", parser, main)
