"""Distilled runs in a config: their teachers, and what they and their methods take from them."""

import copy

from dheads_model.errors import UserError
from dheads_model.training.distillation_settings import distillation_defaults


def fill_distilled(config: dict) -> None:
    """Add to each distilled run the keys that it does not give, from its teacher's run; to its methods' sampling those of
    the first method of that run or of the run that taught it; and to its block distillation the defaults.

    Other values that are wrong in `config` stay, for the check of the config to refuse. Raises UserError as `lineage` does.
    """
    for name in _blocks(config.get("runs")):
        for run in reversed(lineage(config, name)[:-1]):
            block, teacher = config["runs"][run], teacher_of(config, run)
            _fill(block["distillation"], distillation_defaults())
            given = _blocks(config["runs"][teacher]).items()
            _fill(block, {key: value for key, value in given if key != "distillation"})
            _fill_methods(config, run)


def teacher_of(config: dict, run: str) -> str | None:
    """Name of the run that teaches a run; None for a run that is not distilled. Raises UserError for a block without one."""
    distillation = _blocks(config["runs"][run]).get("distillation")
    if distillation is None:
        return None
    teacher = _blocks(distillation).get("teacher")
    if not isinstance(teacher, str):
        raise UserError(f"config key runs.{run}.distillation.teacher is missing; write the name of a run.")
    return teacher


def lineage(config: dict, run: str) -> list[str]:
    """A run, its teacher, the teacher's teacher and so on. Raises UserError for a teacher that does not exist, and a circle."""
    found = [run]
    while (teacher := teacher_of(config, found[-1])) is not None:
        key = f"config key runs.{found[-1]}.distillation.teacher is {teacher}"
        if teacher not in config["runs"]:
            raise UserError(f"{key}, which runs does not define; it has {', '.join(config['runs'])}.")
        if teacher in found:
            raise UserError(f"{key}, which would learn from itself; name another run.")
        found.append(teacher)
    return found


def _fill_methods(config: dict, run: str) -> None:
    methods = [method for method in _blocks(config.get("methods")).values() if isinstance(method, dict)]
    teachers = [method for teacher in lineage(config, run)[1:] for method in methods if method.get("run") == teacher]
    for method in methods:
        if teachers and method.get("run") == run:
            _fill(method, {key: teachers[0][key] for key in ("gpus", "sampling") if key in teachers[0]})


def _fill(block, defaults: dict) -> None:
    if not isinstance(block, dict):
        return
    for key, value in defaults.items():
        if key not in block:
            block[key] = copy.deepcopy(value)
        elif isinstance(value, dict):
            _fill(block[key], value)


def _blocks(value) -> dict:
    return value if isinstance(value, dict) else {}
