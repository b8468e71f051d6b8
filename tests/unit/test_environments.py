"""All environment files have the pins of requirements.lock, and ways to start that cannot work are refused."""

import re

import pytest
import yaml

from dheads_model.errors import UserError
from tests.workflow import ROOT, snakemake
from workflow_scripts.lint_workflow import ONE_ENVIRONMENT, complaints
from workflow_scripts.planning.deployment import check_deployment
from workflow_scripts.write_environments import CODE, LOCKS, environment_files

SHARED = ("input-output", "sources", "persistence", "software-deployment", "source-cache")


def pins(name: str) -> set[str]:
    return set((ROOT / name).read_text(encoding="utf-8").split())


@pytest.mark.parametrize("path", environment_files())
def test_a_file_is_as_its_command_writes_it(path):
    assert (ROOT / path).read_text(encoding="utf-8") == environment_files()[path], "run make environments"


def test_the_cuda_lock_is_the_cpu_lock_and_nvidia_packages():
    cpu, cuda = (pins(name) for name in LOCKS.values())
    assert cpu < cuda, sorted(cpu - cuda)
    assert all(re.match(r"nvidia-|cuda-|triton==", line) for line in cuda - cpu)
    assert any(line.startswith("torch==") for line in cpu)


@pytest.mark.parametrize("kind", LOCKS)
def test_conda_has_every_pin_and_no_other(kind):
    parts = yaml.safe_load((ROOT / f"environments/conda-{kind}.yaml").read_text(encoding="utf-8"))["dependencies"]
    listed = [line for line in parts[-1]["pip"] if not line.startswith("--")]
    assert set(listed) == pins(LOCKS[kind]) and parts[0] == "python=3.11"


@pytest.mark.parametrize("kind", LOCKS)
def test_containers_hold_the_code_and_install_the_lock(kind):
    for suffix in ("Dockerfile", "def"):
        text = (ROOT / f"environments/{kind}.{suffix}").read_text(encoding="utf-8")
        assert f"--requirement /dheads/{LOCKS[kind]}\n" in text
        assert all(f"{name} /dheads/{name}\n" in text and (ROOT / name).exists() for name in CODE)


def test_deployment_and_separate_file_systems_are_refused():
    check_deployment([], SHARED)
    with pytest.raises(UserError, match=r"--software-deployment-method conda is not supported.*start snakemake inside"):
        check_deployment(["conda"], SHARED)
    with pytest.raises(
        UserError, match=r"leaves out input-output, but jobs read data by path.*folder that all machines"
    ):
        check_deployment([], SHARED[1:])


@pytest.mark.parametrize("given", [("--sdm", "conda"), ("--shared-fs-usage", "none")])
def test_snakemake_ends_with_the_sentence(given, tmp_path):
    done = snakemake(ROOT, tmp_path, "--dry-run", "--nolock", *given)
    assert done.returncode == 2
    assert "docs/environments.md" in done.stderr or "a folder that all machines mount" in done.stderr
    assert "Traceback" not in done.stderr


def test_lint_leaves_out_the_one_environment_only():
    report = f"Lints for rule a:\n    * {ONE_ENVIRONMENT}\n      This way\n    * No log directive defined:\n"
    assert complaints(report) == ["No log directive defined:"]
