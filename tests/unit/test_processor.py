"""The instructions that libraries calculate with: which variables on which processor, and that they are set in time."""

import json
import os
import platform
import subprocess
import sys

import pytest

from dheads_model import processor
from dheads_model.processor import pinned_environment, pins, processor_flags
from tests.workflow import ROOT
from workflow_scripts.planning.job_shell import job_prefix

here = pins(platform.machine(), processor_flags())
needs_avx2 = pytest.mark.skipif(not here, reason="this processor has no AVX2, so nothing is pinned")
REPORT = """
import json, os, torch, numpy
from numpy._core._multiarray_umath import __cpu_dispatch__ as kinds, __cpu_features__ as features
print(json.dumps({
    "torch": torch.backends.cpu.get_cpu_capability(),
    "numpy": [kind for kind in kinds if features[kind]],
    "variables": {name: os.environ.get(name) for name in NAMES},
}))
"""


def printed(program: str, **variables: str) -> str:
    """What a new Python prints, in which nothing is pinned before the program but these variables."""
    clean = {
        name: value for name, value in os.environ.items() if name not in processor.PINNED | processor.WITHOUT_AVX512
    }
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=clean | variables, capture_output=True, text=True, check=True
    ).stdout


def report(first: str, **variables: str) -> dict:
    """What a new Python calculates with after it imported a module."""
    return json.loads(printed(f"import {first}\nNAMES = {sorted(here)}\n{REPORT}", **variables))


def test_a_processor_is_asked_for_no_more_than_it_has():
    assert pins("x86_64", {"sse4_2", "avx"}) == {}
    assert pins("x86_64", {"avx2"}) == {}
    assert pins("aarch64", {"avx2", "fma"}) == {}
    plain = pins("x86_64", {"avx2", "fma"})
    assert plain["ATEN_CPU_CAPABILITY"] == "avx2"
    assert "NPY_DISABLE_CPU_FEATURES" not in plain, "NumPy complains of what is not there"
    assert pins("x86_64", {"avx2", "fma", "avx512f"}).items() > plain.items()


def test_features_are_read_as_linux_lists_them(tmp_path):
    listed = "processor\t: 0\nmodel name\t: any\nflags\t\t: fpu avx2 fma\n\nprocessor\t: 1\nflags\t\t: fpu avx512f\n"
    (tmp_path / "cpuinfo").write_text(listed)
    assert processor_flags(tmp_path / "cpuinfo") == {"fpu", "avx2", "fma"}
    (tmp_path / "arm").write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    assert processor_flags(tmp_path / "arm") == processor_flags(tmp_path / "none") == frozenset()


def test_what_the_user_set_stays(monkeypatch):
    monkeypatch.setattr(processor, "processor_flags", lambda: frozenset({"avx2", "fma"}))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    monkeypatch.delenv("MKL_CBWR", raising=False)
    found = pinned_environment()
    assert (found["ATEN_CPU_CAPABILITY"], found["MKL_CBWR"]) == ("default", "COMPATIBLE")


@needs_avx2
@pytest.mark.parametrize(
    "module",
    ["dheads_model.generate", "workflow_scripts.train_model", "workflow_scripts.extract_audio", "tests.conftest"],
)
def test_commands_and_tests_calculate_with_avx2(module):
    assert report(module) == {"torch": "AVX2", "numpy": ["X86_V3"], "variables": here}


@needs_avx2
def test_mkl_takes_the_branches_that_all_processors_have():
    """On an AMD it ignores MKL_CBWR=AVX2, and its square root of float32 is not the IEEE one unless its kind is set."""
    program = (
        "import dheads_model, numpy, torch\n"
        "x = torch.rand(100_000, generator=torch.Generator().manual_seed(0))\n"
        "print('rounded', numpy.array_equal(x.sqrt().numpy(), numpy.sqrt(x.numpy())))\n"
        "x.reshape(250, 400) @ x.reshape(400, 250)\n"
    )
    output = printed(program, MKL_VERBOSE="1")
    products = [line for line in output.splitlines() if "SGEMM" in line]
    assert products and all("CNR:COMPATIBLE" in line for line in products), output
    assert "rounded True" in output


@needs_avx2
def test_a_command_can_be_told_otherwise():
    assert report("dheads_model.generate", ATEN_CPU_CAPABILITY="default")["torch"] == "DEFAULT"


def test_jobs_get_them_from_the_shell_too():
    done = subprocess.run(["bash", "-c", job_prefix(str(ROOT)).format() + "env"], capture_output=True, text=True)
    assert {f"{name}={value}" for name, value in pinned_environment().items()} <= set(done.stdout.splitlines())
