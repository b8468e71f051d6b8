"""The committed Slurm profile on a real Slurm of two nodes; runs where root has Debian's packages slurm-wlm and munge."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from dheads_model.training.log import read_log
from tests.cluster.profile import command, environment, run
from tests.cluster.two_nodes import CONF, CORES, NODES, completed_jobs, missing, two_nodes
from tests.conftest import TINY
from tests.workflow import ROOT, snakemake

pytestmark = [
    pytest.mark.slow,
    pytest.mark.slurm,
    pytest.mark.skipif(bool(missing()), reason=f"no Slurm can be started here: {missing()}"),
]

# Without slurmdbd sacct answers nothing.
ARGUMENTS = ("--slurm-status-command", "squeue", "--configfile", str(TINY))
LONGER = ("--config", "runs={ours.training.images: 480}")
MODEL = "results/runs/ours/model.safetensors"


@pytest.fixture(scope="module")
def slurm_folder(tmp_path_factory):
    # A socket's path has at most 107 letters.
    return tmp_path_factory.mktemp("s")


@pytest.fixture(scope="module")
def slurm(slurm_folder):
    with contextlib.ExitStack() as stack:
        try:
            variables = stack.enter_context(two_nodes(slurm_folder))
        except (RuntimeError, OSError) as problem:
            pytest.skip(f"Slurm does not start here: {problem}")
        yield variables


def test_a_killed_test_leaves_no_slurm_behind(tmp_path_factory):
    # The first test: it needs the place of the others' Slurm.
    start = (
        "import os, pathlib, sys, tests.cluster.two_nodes as t\n"
        "with t.two_nodes(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", start, str(tmp_path_factory.mktemp("k"))], cwd=ROOT, timeout=60)
    if killed.returncode != -signal.SIGKILL:
        pytest.skip("Slurm does not start here")
    deadline = time.monotonic() + 30
    while missing():
        assert time.monotonic() < deadline, missing()
        time.sleep(0.2)
    assert not os.path.lexists(CONF)


def test_the_tiny_corpus_gives_the_local_table(finished, slurm, slurm_folder, tmp_path):
    done = run(finished.project, tmp_path, slurm, *ARGUMENTS, "--", "results/table1.csv")
    assert done.returncode == 0, done.stdout
    for name in ("table1.csv", "runs/ours/model.sha256"):
        assert (tmp_path / "results" / name).read_bytes() == (finished.work / "results" / name).read_bytes()
    jobs = completed_jobs(slurm_folder)
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert {job["NodeList"] for job in jobs} == set(NODES)
    # Three shards, two methods without a model, training, sampling, its metrics and features, three distances.
    limits = sorted(int(job["TimeLimit"]) for job in jobs)
    assert limits == [11, 11, 22, 22, 85, 85, 96, 120, 120, 120, 240, 1440]
    trained = next(job for job in jobs if job["TimeLimit"] == "1440")
    assert f"cpu={CORES},mem=7385M,node=1" in trained["Tres"]


def test_a_training_that_meets_its_time_limit_goes_on_to_the_same_bytes(finished, slurm, tmp_path):
    works = {name: tmp_path / name for name in ("local", "cluster")}
    for work in works.values():
        shutil.copytree(finished.work, work)
    # Slurm counts limits in minutes: the signal that it sends before one is sent here by hand, to the same processes.
    log = works["cluster"] / "logs/train_model/ours.log"
    log.unlink()  # Snakemake removes an old log at some moment before the job
    process = subprocess.Popen(
        command(finished.project, works["cluster"], *ARGUMENTS, *LONGER, "--", MODEL), cwd=works["cluster"],
        env=environment(works["cluster"], slurm), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while not (log.exists() and "train:" in log.read_text()):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    client = os.environ | slurm
    job = subprocess.run(["squeue", "-h", "-o", "%i"], env=client, capture_output=True, text=True).stdout.strip()
    subprocess.run(["scancel", "--signal=USR1", job], env=client, check=True)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    facts = subprocess.run(["scontrol", "show", "job", job], env=client, capture_output=True, text=True).stdout
    assert re.search(r"Restarts=1 ", facts), facts
    assert "resuming after" in log.read_text()
    done = snakemake(finished.project, works["local"], "--cores", "2", "--configfile", str(TINY), *LONGER, "--", MODEL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (works["cluster"] / MODEL).read_bytes() == (works["local"] / MODEL).read_bytes()


def test_a_training_over_two_nodes_has_the_losses_of_one_process_with_twice_the_accumulation(
    finished, slurm, slurm_folder, tmp_path
):
    works = {name: tmp_path / name for name in ("one", "two")}
    for work in works.values():
        shutil.copytree(finished.work, work)
    common = "ours.network.dropout: 0, ours.training.images: 160, ours.training.log_every_images: 8"
    one = f"runs={{{common}, ours.training.gradient_accumulation: 2}}"
    two = f"runs={{{common}, ours.training.gradient_accumulation: 1, ours.gpus: 2}}"
    over_two = ["nodes=2", "mpi=srun", "tasks=2", "tasks_per_gpu=1", "cpus_per_task=1", "mem_mb=3000"]
    resources = ("--set-resources", *(f"train_model:{given}" for given in over_two))
    done = run(finished.project, works["two"], slurm, *ARGUMENTS, *resources, "--config", two, "--", MODEL)
    assert done.returncode == 0, done.stdout
    job = completed_jobs(slurm_folder)[-1]
    assert (job["NodeList"], job["NodeCnt"]) == ("node[1-2]", "2")
    done = snakemake(
        finished.project, works["one"], "--cores", "2", "--configfile", str(TINY), "--config", one, "--", MODEL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [read_log(work / "results/runs/ours/training.jsonl") for work in works.values()]
    losses = [[entry["loss"] for entry in log] for log in logs]
    assert len(losses[0]) == 20
    assert losses[1] == pytest.approx(losses[0], abs=1e-6)
