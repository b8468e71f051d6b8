"""Which weights of the requested metrics are here, before any job runs. Nothing is opened, fetched or hashed."""

from importlib.util import find_spec
from pathlib import Path

from dheads_model.corpora.given_path import given_path
from dheads_model.errors import UserError
from dheads_model.metrics.distance_registry import DISTANCES
from dheads_model.metrics.registry import CLIP_METRICS
from dheads_model.weights import missing_weights

FOLDER = "resources/weights"


def weights_folders(config: dict) -> list[str]:
    """Folders in which a file of weights may lie: the workflow's own, and the one that the config names."""
    return [FOLDER, *([given_path(config["weights"])] if config["weights"] else [])]


def uncomputed_distances(config: dict) -> dict[str, str]:
    """{distance of the config: why it is not computed}, of those whose weights are missing."""
    names = config["metrics"]["distances"]
    reasons = {name: missing_weights(DISTANCES[name].weights, weights_folders(config)) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def computed_distances(config: dict) -> list[str]:
    """The other distances of the config."""
    missing = uncomputed_distances(config)
    return [name for name in config["metrics"]["distances"] if name not in missing]


def files_of(names: tuple[str, ...], config: dict) -> list[str]:
    """Files of weights in the workflow's folder, as a rule's input; none if one of them is missing."""
    return [] if missing_weights(names, weights_folders(config)) else [f"{FOLDER}/{name}" for name in names]


def check_metrics_weights(config: dict) -> None:
    """Raise UserError for a folder of weights that is none, a package that is not installed, and required weights that are
    missing."""
    if config["weights"] and not Path(given_path(config["weights"])).is_dir():
        raise UserError(
            f"config key weights names {config['weights']}, which is not a folder; give that of the weights."
        )
    metrics = config["metrics"]
    for name in metrics["distances"]:
        package = DISTANCES[name].package
        if package and find_spec(package[0]) is None:
            raise UserError(
                f"config key metrics.distances has {name}, but {package[0]} is not installed: run pip install {package[1]}, "
                f"or take {name} out of the list."
            )
    by_key = {metric.requested: metric for metric in CLIP_METRICS.values() if metric.requested}
    for name in metrics["require"]:
        if reason := missing_weights((DISTANCES.get(name) or by_key[name]).weights, weights_folders(config)):
            raise UserError(
                f"config key metrics.require names {name}, which is {reason}; fetch the file, or name a folder that has it "
                "with config key weights."
            )
