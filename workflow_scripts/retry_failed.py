"""Forget the stages in which clips failed, so that the next run does them again; filtered clips stay as they are."""

from pathlib import Path

from dheads_model.manifest import FAILED, read_manifest
from workflow_scripts.command import parser, run

STAGES = ("source", "track", "align", "crop", "landmark", "audio")


def forget(base: Path) -> list[str]:
    """Remove, for each shard of a dataset, the manifest of the first stage with failed clips and of all below it.

    Returns one sentence a shard. Fetched and prepared files stay: a download asks only for what is missing. The next run
    finds those manifests gone (`losses`) and makes them again, and no others.
    """
    report = []
    for plan in sorted((base / "plan").glob("*.json")):
        manifests = [base / stage / plan.name for stage in STAGES] + list(base.glob(f"shards/*/{plan.name}"))
        for place, path in enumerate(manifests):
            failed = read_manifest(path).count(FAILED) if path.is_file() else 0
            if failed:
                for gone in manifests[place:]:
                    gone.unlink(missing_ok=True)
                report.append(f"shard {plan.stem}: {failed} clips failed in {path.parent.name}")
                break
    return report


def main(given) -> None:
    found = {dataset: forget(Path(given.resources, dataset)) for dataset in given.datasets}
    for dataset, report in found.items():
        for sentence in report:
            print(f"{dataset} {sentence}")
    count = sum(len(report) for report in found.values())
    print(f"{count} shards will be tried again by the next run." if count else "no clip failed: nothing to try again.")


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--datasets", nargs="+", required=True)
    arguments.add_argument("--resources", default="resources")
    run("workflow_scripts.retry_failed", arguments, main)
