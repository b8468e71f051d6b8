"""Ways to start Snakemake that this workflow does not support, refused before any job."""

from collections.abc import Iterable

from dheads_model.errors import UserError

_NEEDED = {"input-output": "data", "sources": "code", "persistence": "Snakemake's records"}


def check_deployment(methods: Iterable[str], shared: Iterable[str]) -> None:
    """Raise UserError for software deployment, and for machines that do not see the same files.

    methods: of --software-deployment-method. shared: of --shared-fs-usage.
    """
    if methods := sorted(methods):
        raise UserError(
            f"--software-deployment-method {' '.join(methods)} is not supported, since all rules have one environment: leave it "
            "out and start snakemake inside that environment or container (docs/environments.md)."
        )
    if missing := sorted(set(_NEEDED) - set(shared)):
        what = ", ".join(_NEEDED[name] for name in missing)
        raise UserError(
            f"--shared-fs-usage leaves out {', '.join(missing)}, but jobs read {what} by path, and videos and training states "
            "are no declared outputs: use a folder that all machines mount (--directory), and do not set --shared-fs-usage. "
            "Executors for machines without one, as kubernetes and googlebatch, are not supported."
        )
