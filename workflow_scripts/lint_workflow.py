"""Run Snakemake's lint; its wish for a conda environment or container in each rule is left out (docs/environments.md)."""

import argparse
import subprocess
import sys

ONE_ENVIRONMENT = "Specify a conda environment or container for each rule.:"


def complaints(report: str) -> list[str]:
    """Titles of the lints in a report, without the one that is left out."""
    titles = [line.strip().removeprefix("* ") for line in report.splitlines() if line.startswith("    * ")]
    return [title for title in titles if title != ONE_ENVIRONMENT]


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    done = subprocess.run([sys.executable, "-m", "snakemake", "--lint"], capture_output=True, text=True)
    report = done.stdout + done.stderr
    # It ends with 1 for a lint and for an error alike.
    if complaints(report) or (done.returncode and ONE_ENVIRONMENT not in report):
        sys.exit(report)
