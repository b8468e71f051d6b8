"""What jobs ask a scheduler for."""

import subprocess

import pytest

from dheads_model.errors import UserError
from workflow_scripts.planning import job_resources
from workflow_scripts.planning.job_resources import (
    at_most,
    memory,
    minutes,
    minutes_for,
    srun_options,
    threads_of_training,
)


def test_memory_and_minutes_grow_with_the_attempt_and_snakemake_has_its_own():
    assert [memory(1000)(None, attempt) for attempt in (1, 2, 3)] == [1700, 2700, 3700]
    assert [minutes(lambda wildcards: 20)(None, attempt) for attempt in (1, 2)] == [20, 40]


def test_a_large_shard_gets_more_minutes():
    assert minutes_for(1000, 0.7) == 10 + 35
    assert minutes_for(1, 0.7) == 11


def test_srun_puts_equally_many_ranks_with_their_cores_on_each_node():
    assert srun_options(16, 2, 8) == "--nodes=2 --ntasks=16 --ntasks-per-node=8 --cpus-per-task=8"
    with pytest.raises(UserError, match=r"15 GPUs cannot be split over 2 nodes; make runs\.NAME\.gpus a multiple of 2"):
        srun_options(15, 2, 8)


def test_threads_grow_with_the_gpus():
    assert [threads_of_training(gpus) for gpus in (0, 1, 8)] == [8, 8, 64]


def test_more_threads_than_a_node_has_are_cut_with_a_sentence(capsys):
    assert at_most(8, None) == at_most(8, 64) == 8
    assert at_most(31, 2) == at_most(31, 2) == 2
    assert (
        capsys.readouterr().err.count(
            "jobs of 31 threads ask for 2: the largest node of this cluster has no more cores."
        )
        == 1
    )


@pytest.mark.parametrize(("answer", "cores"), [("2\n64\n8\n", 64), ("", None)])
def test_the_largest_node_is_that_of_sinfo(monkeypatch, answer, cores):
    job_resources.cores_of_largest_node.cache_clear()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, answer))
    assert job_resources.cores_of_largest_node() == cores
    job_resources.cores_of_largest_node.cache_clear()
