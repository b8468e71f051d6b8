"""Several trainings of one run that differ in their seed only: runs and methods that the config's training_seeds adds."""

import copy

from dheads_model.errors import UserError


def with_seeds(config: dict) -> dict:
    """The config with a run, and rows of its own, for each further seed of `training_seeds`; each follows what it repeats.

    Raises UserError for a run that there is none of, for seeds without the run's own, for a name that is taken, and where
    a model is given and nothing is trained.
    """
    result = copy.deepcopy(config)
    if config["training_seeds"] and config["model"]:
        raise UserError("config key model names a trained model, so no seeds are trained; remove it or training_seeds.")
    for run, seeds in config["training_seeds"].items():
        if run not in config["runs"]:
            raise UserError(
                f"config key training_seeds.{run} names a run that runs does not define; there are "
                f"{', '.join(config['runs'])}."
            )
        own = config["runs"][run]["training"]["seed"]
        if own not in seeds:
            raise UserError(
                f"config key training_seeds.{run} is {seeds}; add the run's own seed {own} (runs.{run}.training.seed)."
            )
        for seed in seeds:
            if seed != own:
                block = copy.deepcopy(config["runs"][run])
                block["training"]["seed"] = seed
                _add(result["runs"], seeded(run, seed), block, "runs")
    result["methods"] = {}
    for name, method in config["methods"].items():
        _add(result["methods"], name, copy.deepcopy(method), "methods")
        for repeat, seed in repeats_of(name, config):
            if repeat != name:
                _add(
                    result["methods"], repeat, {**copy.deepcopy(method), "run": seeded(method["run"], seed)}, "methods"
                )
    return result


def repeats_of(method: str, config: dict) -> list[tuple[str, int]]:
    """(name, training seed) of a configured method and of those that repeat it; none where its run has one seed only."""
    run = config["methods"][method].get("run")
    seeds = config["training_seeds"].get(run, [])
    own = config["runs"][run]["training"]["seed"] if seeds else None
    return [(method if seed == own else seeded(method, seed), seed) for seed in seeds]


def seeded(name: str, seed: int) -> str:
    """Name of the run or method that repeats another with a seed."""
    return f"{name}_seed{seed}"


def _add(blocks: dict, name: str, block: dict, where: str) -> None:
    if blocks.setdefault(name, block) != block:
        raise UserError(f"config key {where}.{name} is also the name of a repeat by training_seeds; name it otherwise.")
