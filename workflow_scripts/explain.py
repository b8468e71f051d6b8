"""Which rules and how many jobs a change reaches, before it is made: `python -m workflow_scripts.explain FILE...`.

Comments, layout and messages of a file do not count as a change. What follows the files is passed to snakemake:
--configfile, --config, --directory, targets after `--`. Without a file, the jobs of that command
are counted, as for a change of the config.
"""

import sys
from collections.abc import Sequence

from dheads_model.errors import EXIT_USER_ERROR, UserError
from workflow_scripts.planning.dry_run import planned_jobs
from workflow_scripts.planning.reached_rules import code_file, jobs_table, rules_reached


def main(arguments: Sequence[str]) -> int:
    """The command; an error is one sentence and EXIT_USER_ERROR."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        return 0
    first = next((place for place, text in enumerate(arguments) if text.startswith("-")), len(arguments))
    files, passed = arguments[:first], arguments[first:]
    try:
        paths = [code_file(file) for file in files]
        before = planned_jobs(passed)
        if not files:
            print(jobs_table("this command would run", before))
            return 0
        rules = rules_reached(paths)
        print(f"{', '.join(files)}: code of {', '.join(rules) if rules else 'no rule'}")
        after = planned_jobs(passed, paths) if rules else before
        print(jobs_table("after an edit the workflow would run", after))
        if before:
            print(jobs_table("without the edit it would run", before))
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
