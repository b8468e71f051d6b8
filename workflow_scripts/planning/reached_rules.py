"""Rules whose code a file is, to say before an edit what it would rerun."""

from collections.abc import Sequence
from pathlib import Path

from dheads_model.corpora.registry import DATASETS
from dheads_model.errors import UserError
from dheads_model.fingerprint import PACKAGES, ROOT, digest, suppose_edited


def rules_reached(files: Sequence[Path]) -> list[str]:
    """Rules whose command imports one of the files, directly or not, sorted. It leaves the files supposed as edited."""
    before = _rule_codes()
    suppose_edited(files)
    after = _rule_codes()
    return sorted(rule for rule in before if before[rule] != after[rule])


def _rule_codes() -> dict[str, list[str]]:
    commands = {
        path.stem: [f"workflow_scripts.{path.stem}"] for path in sorted((ROOT / "workflow_scripts").glob("[!_]*.py"))
    }
    found = {name: modules for name, modules in commands.items() if "run_command(" in _text(name)}
    for about in DATASETS.values():
        found.pop(about.source.command, None)
    for about in DATASETS.values():
        found[about.source.rule] = [f"workflow_scripts.{about.source.command}", *about.source.more_code]
    return {rule: [digest(module) for module in modules] for rule, modules in found.items()}


def _text(command: str) -> str:
    return (ROOT / "workflow_scripts" / f"{command}.py").read_text(encoding="utf-8")


def code_file(file: str) -> Path:
    """A file of the packages. Raises UserError for another one."""
    path = next((found for found in (Path(file), ROOT / file) if found.is_file()), None)
    if path is None:
        raise UserError(f"there is no file {file}, here or in {ROOT}.")
    path = path.resolve()
    if path.suffix == ".smk" or path.name == "Snakefile":
        raise UserError(
            f"{file} has rules: edit it, then `snakemake -n` names the jobs and their reasons; nothing runs."
        )
    if not any(path.is_relative_to(ROOT / package) for package in PACKAGES):
        raise UserError(
            f"{file} is no file of {' or '.join(PACKAGES)}: for a change of the config give its --configfile or --config instead."
        )
    return path


def jobs_table(title: str, jobs: dict[str, int]) -> str:
    """A title with the number of all jobs, then a line a rule."""
    total = sum(jobs.values())
    lines = [f"{title}: {total} job{'' if total == 1 else 's'}"]
    return "\n".join(lines + [f"  {rule:<24} {count:>6}" for rule, count in jobs.items()])
