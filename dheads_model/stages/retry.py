"""Removal of the results of stages in which clips failed, so that the next run repeats them."""

from pathlib import Path

from dheads_model.manifest import FAILED, read_manifest

STAGES = ("source", "track", "align", "crop", "landmark", "audio")


def forget(base: Path) -> list[str]:
    """Remove, for each shard of a dataset, the manifest of the first stage with failed clips and of all below it.

    Returns one sentence a shard. Fetched and prepared files stay: only missing files are downloaded. The next run
    makes exactly those manifests again.
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
