"""Remove the results of stages in which clips failed, so that the next run repeats them; filtered clips stay."""

from pathlib import Path

from dheads_model.stages.retry import forget
from workflow_scripts.command import command_parser, run_command


def main(arguments) -> None:
    found = {dataset: forget(Path(arguments.resources, dataset)) for dataset in arguments.datasets}
    for dataset, report in found.items():
        for sentence in report:
            print(f"{dataset} {sentence}")
    count = sum(len(report) for report in found.values())
    print(f"{count} shards will be tried again by the next run." if count else "no clip failed: nothing to try again.")


if __name__ == "__main__":
    parser = command_parser(__doc__)
    parser.add_argument("--datasets", nargs="+", required=True)
    parser.add_argument("--resources", default="resources")
    run_command("workflow_scripts.retry_failed", parser, main)
