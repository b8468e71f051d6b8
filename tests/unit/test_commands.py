"""Commands: arguments, one call, manifest; none imports another; one exit code for one kind of error."""

import ast
import os
import re
import signal
import subprocess
import sys

import pytest

from dheads_model import errors
from dheads_model.fingerprint import closure
from tests.workflow import ROOT
from workflow_scripts.planning.job_shell import job_prefix

# What commands share; all other modules of the folder are commands.
SHARED = {"__init__", "command", "finish", "planned_shard", "table_inputs"}
# Commands that start the process of a stage and make nothing themselves, so no rule has their digest.
STARTING = {"claim_gpus", "launch_processes", "slurm_rank"}
WITH_FUNCTIONS = STARTING | {"fetch_grid", "lint_workflow", "write_config_reference", "write_environments"}
# Commands that no rule runs, for a person beside a run.
OF_PLANNING = {"check_config", "clean_up", "explain", "status", "write_config_reference"}
COMMANDS = sorted(path.stem for path in (ROOT / "workflow_scripts").glob("*.py") if path.stem not in SHARED)


def tree_of(command):
    return ast.parse((ROOT / f"workflow_scripts/{command}.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_imports_no_other_command(command):
    imported = {
        node.module.removeprefix("workflow_scripts.")
        for node in ast.walk(tree_of(command))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("workflow_scripts")
    }
    assert {name for name in imported if not name.startswith("planning.")} <= SHARED


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - WITH_FUNCTIONS))
def test_a_command_has_no_function_but_main(command):
    defined = [node.name for node in tree_of(command).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert defined == ["main"]


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - OF_PLANNING - STARTING))
def test_the_digest_of_a_command_reaches_no_planning_and_no_benchmark(command):
    reached = closure(f"workflow_scripts.{command}")
    assert not [
        name for name in reached if name.startswith(("workflow_scripts.planning", "workflow_scripts.benchmarks"))
    ]


def ended(statement: str, *arguments: str) -> subprocess.CompletedProcess:
    """A command whose main executes a statement."""
    text = (
        "import os, signal\n"
        "from dheads_model.errors import Interrupted, UserError\n"
        "from workflow_scripts.command import command_parser, run_command\n"
        f"def main(arguments):\n    {statement}\n"
        'run_command("workflow_scripts.command", command_parser("a test"), main)\n'
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", text, *arguments], env=environment, text=True, capture_output=True, timeout=300,
        # Workers of parallel tests ignore Ctrl-C, and what they start would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "code", "last_line"),
    [
        ("raise UserError('fix this.')", errors.EXIT_USER_ERROR, "error: fix this."),
        ("raise MemoryError", errors.EXIT_USER_ERROR, "error: the machine has too little memory"),
        ("raise Interrupted('the state is saved')", errors.EXIT_RETRY, "error: the state is saved"),
        ("os.kill(os.getpid(), signal.SIGINT)", errors.EXIT_INTERRUPTED, "error: stopped; run the same command"),
        ("raise ValueError('a mistake')", errors.EXIT_FAILED, "ValueError: a mistake"),
    ],
)
def test_one_exit_code_for_one_kind_of_error(statement, code, last_line):
    done = ended(statement)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1].startswith(last_line)


def test_wrong_arguments_end_as_what_a_person_has_to_mend():
    assert ended("pass", "--unknown").returncode == errors.EXIT_USER_ERROR


def test_jobs_repeat_a_command_that_asks_for_a_retry_and_no_other(tmp_path):
    prefix = job_prefix(str(ROOT)).replace("{{", "{").replace("}}", "}")
    for code, times in ((errors.EXIT_RETRY, 4), (errors.EXIT_USER_ERROR, 1), (errors.EXIT_INTERRUPTED, 1)):
        job = f"{prefix} until_done bash -c 'echo x >> {tmp_path}/{code}; exit {code}'"
        assert subprocess.run(["bash", "-c", job], timeout=300).returncode == code
        assert len((tmp_path / f"{code}").read_text().split()) == times


def test_the_docs_list_the_exit_codes():
    page = (ROOT / "docs/robustness.md").read_text(encoding="utf-8")
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", page.partition("## Exit codes")[2], re.MULTILINE)}
    assert listed == {0, *(value for name, value in vars(errors).items() if name.startswith("EXIT_"))}
    assert errors.EXIT_INTERRUPTED == 128 + signal.SIGINT and errors.EXIT_RETRY == os.EX_TEMPFAIL
