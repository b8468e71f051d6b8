"""Time, memory and processor use of each rule, from Snakemake's benchmark files of the jobs that ran in this folder."""

from dheads_model.tables.resource_use import draw_use, read_use, use_table
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    table = read_use(arguments.benchmarks_folder, arguments.settings)
    table.to_csv(arguments.csv, index=False)
    with open(arguments.markdown, "w", encoding="utf-8") as stream:
        stream.write(use_table(table))
    draw_use(table, arguments.plot)


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--benchmarks-folder", default="benchmarks")
    for name in ("--csv", "--markdown", "--plot"):
        parser.add_argument(name, required=True)
    run_command("workflow_scripts.write_resource_use", parser, main)
