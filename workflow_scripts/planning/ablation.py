"""The ablation of table 3: runs and methods that the config block `ablation` adds."""

import copy
import itertools

from dheads_model.errors import UserError

KEYS = ("audio_radius", "motion_channels", "motion_frames")
_NAMES = {
    "audio_radius": "radius{}".format,
    "motion_channels": {1: "grey", 3: "rgb"}.__getitem__,
    "motion_frames": "motion{}".format,
}


def with_ablation(config: dict) -> dict:
    """The config with a run and rows of its own for each combination of `ablation` but that of the run itself.

    Raises UserError for a run that there is none of, for a name that is taken, and where a model is given and nothing is
    trained.
    """
    result = copy.deepcopy(config)
    base = config["ablation"]["run"]
    if base is None:
        return result
    if config["model"]:
        raise UserError(
            "config key model names a trained model, so no ablation is trained; remove it or set ablation.run to null."
        )
    if base not in config["runs"]:
        raise UserError(
            f"config key ablation.run is {base}, which runs does not define; there are {', '.join(config['runs'])}."
        )
    for values in combinations(config):
        name = varied(base, values, config)
        if name != base:
            block = copy.deepcopy(config["runs"][base])
            block["network"] |= values
            _add(result["runs"], name, block, "runs")
    result["methods"] = {}
    for name, method in config["methods"].items():
        _add(result["methods"], name, copy.deepcopy(method), "methods")
        if method.get("run") == base:
            for values in combinations(config):
                if (other := varied(name, values, config)) != name:
                    repeat = {**copy.deepcopy(method), "run": varied(base, values, config)}
                    _add(result["methods"], other, repeat, "methods")
    return result


def combinations(config: dict) -> list[dict]:
    """Values of the varied settings of every training of the ablation, in the order of the config."""
    block = config["ablation"]
    varying = [key for key in KEYS if block[key]]
    return [dict(zip(varying, values, strict=True)) for values in itertools.product(*(block[key] for key in varying))]


def varied(name: str, values: dict, config: dict) -> str:
    """Name of the run or method that repeats another with these values: its own where its run has them already."""
    own = config["runs"][config["ablation"]["run"]]["network"]
    if all(own[key] == value for key, value in values.items()):
        return name
    return "_".join([name, *(_NAMES[key](value) for key, value in values.items())])


def ablation_rows(config: dict) -> list[dict]:
    """{method, and the varied settings} of each row of table 3: the first configured method of the run, and its repeats."""
    base = config["ablation"]["run"]
    method = next((name for name, block in config["methods"].items() if block.get("run") == base), None)
    if base is None or method is None:
        return []
    return [{"method": varied(method, values, config), **values} for values in combinations(config)]


def _add(blocks: dict, name: str, block: dict, where: str) -> None:
    if blocks.setdefault(name, block) != block:
        raise UserError(f"config key {where}.{name} is also the name of a part of the ablation; name it otherwise.")
