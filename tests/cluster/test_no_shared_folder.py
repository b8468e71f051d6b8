"""Executors whose machines share no folder: Snakemake says so only after it read the Snakefile."""

import os
import subprocess
import sys

from tests.conftest import TINY
from tests.workflow import ROOT


def test_an_executor_for_machines_without_a_shared_folder_is_refused_before_the_first_job(tmp_path):
    plugins = {"PYTHONPATH": str(ROOT / "tests/cluster/plugins"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path), "--jobs", "1",
        "--executor", "elsewhere", "--default-storage-provider", "bucket", "--default-storage-prefix", "b",
        "--configfile", str(TINY), "--", "resources/embedded/source/00000.json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | plugins, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2, done.stderr
    assert "Executors for machines without one, as kubernetes and googlebatch, are not supported." in done.stderr
    assert "a job was submitted" not in done.stderr
