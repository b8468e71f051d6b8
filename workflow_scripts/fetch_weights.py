"""Put one file of network weights in place, from a local folder or by download, once its size and hash are right."""

from dheads_model.errors import UserError
from dheads_model.weights import read_weights_table
from dheads_model.weights_fetch import adopt_weights, fetch_weights
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    table = read_weights_table(arguments.table)
    if arguments.name not in table:
        raise UserError(f"{arguments.table} does not list {arguments.name}; it has {', '.join(sorted(table))}.")
    wanted = table[arguments.name]
    if not (arguments.folder and adopt_weights(wanted, arguments.folder, arguments.output)):
        fetch_weights(wanted, arguments.output)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--folder", nargs="?", help="folder of weights that are here already")
    for name in ("--name", "--table", "--output"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.fetch_weights", parser, main)
