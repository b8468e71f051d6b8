"""Which GPUs a job computes on, and the ranks that srun starts."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.workflow import ROOT
from workflow_scripts.claim_gpus import claim, visible_gpus
from workflow_scripts.planning.job_shell import job_prefix
from workflow_scripts.planning.unused_gpus import unused_gpus
from workflow_scripts.slurm_rank import first_node, rank_of_task

SCHEDULER = {"SLURM_JOB_ID": "7"}
# It says which GPUs it has when it begins, and when it ends.
JOB = (
    "import os, time; name = os.environ.get('CUDA_VISIBLE_DEVICES'); "
    "print(name, time.time()); time.sleep(0.5); print(name, time.time())"
)


def command(count):
    return [sys.executable, "-m", "workflow_scripts.claim_gpus", str(count), sys.executable, "-c", JOB]


def environment(tmp_path, **more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "CUDA"))}
    return kept | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)} | more


def run(tmp_path, count, **more):
    return subprocess.run(
        command(count), env=environment(tmp_path, **more), text=True, capture_output=True, timeout=120
    )


@pytest.fixture
def smi(tmp_path):
    """A machine with three GPUs."""
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nprintf '0\\n1\\n2\\n'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def test_two_jobs_never_compute_on_one_gpu(tmp_path, smi):
    with ThreadPoolExecutor(5) as pool:
        done = list(pool.map(lambda _: run(tmp_path, 1, **smi), range(5)))
    spans = {}
    for one in done:
        assert one.returncode == 0, one.stderr
        (name, began), (_, ended) = (line.split() for line in one.stdout.splitlines())
        spans.setdefault(name, []).append((float(began), float(ended)))
    assert set(spans) <= {"0", "1", "2"}
    for used in map(sorted, spans.values()):
        assert all(earlier[1] <= later[0] for earlier, later in zip(used, used[1:], strict=False))


def test_a_job_of_several_gpus_gets_them_all_at_once_or_none(tmp_path):
    first = claim(["0", "1", "2"], 2, tmp_path)
    assert sorted(first) == ["0", "1"]
    assert claim(["0", "1", "2"], 2, tmp_path) is None
    assert sorted(claim(["0", "1", "2"], 1, tmp_path)) == ["2"], "the refused claim holds none"


def test_a_killed_job_frees_its_gpu(tmp_path, smi):
    process = subprocess.Popen([*command(3)[:-1], "import time; time.sleep(600)"], env=environment(tmp_path, **smi))
    deadline = time.monotonic() + 120
    while not (tmp_path / "dheads-gpu-2.lock").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert run(tmp_path, 3, **smi).stdout.startswith("0,1,2 ")


def test_a_job_claims_among_those_that_it_may_use(tmp_path):
    assert run(tmp_path, 1, CUDA_VISIBLE_DEVICES="4,6").stdout.startswith("4 ")
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "GPU-8a,GPU-9b"}) == ["GPU-8a", "GPU-9b"]


def test_a_scheduler_s_job_keeps_what_it_was_given(tmp_path):
    held = claim(["0"], 1, tmp_path)
    assert run(tmp_path, 1, CUDA_VISIBLE_DEVICES="0", **SCHEDULER).stdout.startswith("0 ")
    os.close(held["0"])


def test_more_gpus_than_there_are_is_one_sentence(tmp_path, smi):
    done = run(tmp_path, 4, **smi)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the job needs 4 GPUs and may use 3 here; lower the config's gpus.\n"


def seen(tmp_path, command, **more):
    """What a job's command prints as its GPUs; none where CUDA_VISIBLE_DEVICES is not set."""
    shown = f"{command} {sys.executable} -c \"import os; print(os.environ.get('CUDA_VISIBLE_DEVICES', 'all'))\""
    done = subprocess.run(
        ["bash", "-c", job_prefix(str(ROOT)).format() + shown], env=environment(tmp_path, **more), text=True,
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CLAIM = f"{sys.executable} -m workflow_scripts.claim_gpus 1"


@pytest.mark.parametrize(
    ("given", "without", "claimed"),
    [
        ({}, "", "0"),
        ({"CUDA_VISIBLE_DEVICES": "2,3"}, "", "2"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "", ""),
        (SCHEDULER, "", "all"),
        (SCHEDULER | {"CUDA_VISIBLE_DEVICES": "2,3"}, "2,3", "2,3"),
    ],
    ids=["server", "restricted", "none allowed", "scheduler that gave none", "scheduler that gave two"],
)
def test_a_job_sees_a_gpu_only_if_it_claimed_one_or_its_scheduler_gave_one(tmp_path, smi, given, without, claimed):
    assert seen(tmp_path, "", **smi, **given) == without
    assert seen(tmp_path, CLAIM, **smi, **given) == claimed


def test_ranks_of_srun_see_the_gpus_that_their_job_hid(tmp_path, smi):
    task = {"SLURM_PROCID": "0", "SLURM_NTASKS": "1", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", **SCHEDULER,
            "SLURM_STEP_TASKS_PER_NODE": "1", "SLURM_STEP_NODELIST": "n1"}  # fmt: skip
    (tmp_path / "say.py").write_text("import os; print(os.environ.get('CUDA_VISIBLE_DEVICES', 'all'))")
    rank = f"{sys.executable} -m workflow_scripts.slurm_rank {tmp_path}/say.py #"
    assert seen(tmp_path, rank, **smi, **task) == "all"


def test_every_rule_that_asks_for_gpus_claims_them():
    """Otherwise its job would see none, and compute on the CPU."""
    rules = [rule for path in (ROOT / "rules").glob("*.smk") for rule in path.read_text().split("\nrule ")[1:]]
    asking = [rule for rule in rules if " gpu=" in rule]
    assert len(asking) >= 10
    assert [rule.split(":")[0] for rule in asking if not ("{params.gpus}" in rule or "{params.launcher}" in rule)] == []


CONFIG = {"runs": {"a": {"gpus": 0}, "b": {"gpus": 1}}, "methods": {"m": {"gpus": 0}, "real": {}}, "sync_encoders": {}}


@pytest.mark.parametrize(
    ("rules", "gpus", "sentence"),
    [
        (["train_model", "sample_videos"], ["0", "1"],
         "2 here, not used by runs.a, methods.m, whose gpus is 0; to use one: --config 'runs={a.gpus: 1}' 'methods={m.gpus: 1}'"),
        (["sample_videos"], ["0"], "1 here, not used by methods.m, whose gpus is 0; to use one: --config 'methods={m.gpus: 1}'"),
        (["train_model"], [], ""),
        (["crop_faces"], ["0"], ""),
    ],
)  # fmt: skip
def test_a_run_says_that_it_leaves_gpus_unused(rules, gpus, sentence):
    assert unused_gpus(rules, CONFIG, gpus) == sentence


def test_a_task_of_srun_is_a_rank():
    task = {"SLURM_PROCID": "5", "SLURM_NTASKS": "7", "SLURM_LOCALID": "1", "SLURM_NODEID": "2", "SLURM_JOB_ID": "61234",
            "SLURM_STEP_TASKS_PER_NODE": "2(x3),1", "SLURM_STEP_NODELIST": "gpu[03-05,9]"}  # fmt: skip
    assert rank_of_task(task) == {
        "RANK": "5", "WORLD_SIZE": "7", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "gpu03",
        "MASTER_PORT": "21234",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "first"), [("n1", "n1"), ("a7,b", "a7"), ("gpu[03-05]", "gpu03"), ("x-y[1,4]", "x-y1")]
)
def test_the_ranks_meet_on_the_first_node(nodes, first):
    assert first_node(nodes) == first
