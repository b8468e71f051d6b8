"""Write the means of every metric for each speaker and method as csv."""

from dheads_model.files import write_text
from dheads_model.tables.per_speaker import per_speaker, to_csv
from workflow_scripts.command import command_parser, run_command
from workflow_scripts.table_inputs import add_table_inputs, read_table_inputs


def main(arguments) -> None:
    values, _, _, _ = read_table_inputs(arguments)
    write_text(arguments.output, to_csv(per_speaker(values, [name for name, _ in arguments.settings["methods"]])))


if __name__ == "__main__":
    parser = add_table_inputs(command_parser(__doc__))
    parser.add_argument("--output", required=True)
    run_command("workflow_scripts.write_per_speaker", parser, main)
