"""Which rules and how many jobs a change reaches, before it is made: `python -m workflow_scripts.explain FILE...`.

Comments, layout and messages of a file do not count as a change. What follows the files is passed to snakemake:
--configfile, --config, --directory, targets after `--`. Without a file, the jobs of that command
are counted, as for a change of the config.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from dheads_model.corpora.registry import DATASETS
from dheads_model.errors import EXIT_USER_ERROR, UserError
from dheads_model.fingerprint import PACKAGES, ROOT, digest, suppose_edited
from workflow_scripts.planning.dry_run import planned_jobs


def main(arguments: Sequence[str]) -> int:
    """The command; an error is one sentence and EXIT_USER_ERROR."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    first = next((place for place, text in enumerate(arguments) if text.startswith("-")), len(arguments))
    files, passed = arguments[:first], arguments[first:]
    try:
        paths = [_code_file(file) for file in files]
        before = planned_jobs(passed)
        if not files:
            print(_table("this command would run", before))
            return 0
        rules = rules_reached(paths)
        print(f"{', '.join(files)}: code of {', '.join(rules) if rules else 'no rule'}")
        after = planned_jobs(passed, paths) if rules else before
        print(_table("after an edit the workflow would run", after))
        if before:
            print(_table("without the edit it would run", before))
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0


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


def _code_file(file: str) -> Path:
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


def _table(title: str, jobs: dict[str, int]) -> str:
    total = sum(jobs.values())
    lines = [f"{title}: {total} job{'' if total == 1 else 's'}"]
    return "\n".join(lines + [f"  {rule:<24} {count:>6}" for rule, count in jobs.items()])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
