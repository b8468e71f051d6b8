"""Which failed jobs of a cluster are tried again."""

import subprocess
from pathlib import Path

import pytest

from dheads_model.errors import UserError
from workflow_scripts.planning.own_errors import attempt_of, check_attempt, mark_of, marking_shell

JOB = ["snakemake", "--target-jobs", "track_faces:shard=00000", "--cores", "all"]


@pytest.mark.parametrize(("code", "own"), [(0, False), (1, True), (2, True), (75, False), (137, False), (143, False)])
def test_the_next_attempt_is_refused_after_an_error_of_the_job_itself(tmp_path, monkeypatch, code, own):
    monkeypatch.chdir(tmp_path)
    mark = mark_of(JOB)
    check_attempt(mark, 1)
    done = subprocess.run(["bash", "-c", f"set -euo pipefail; {marking_shell(mark)} bash -c 'exit {code}' | cat"])
    assert done.returncode == code
    if own:
        with pytest.raises(UserError, match="not tried again"):
            check_attempt(mark, 2)
    check_attempt(mark, 1)
    check_attempt(mark, 2)
    assert not Path(mark).exists()


def test_jobs_have_marks_of_their_own_and_the_users_snakemake_has_none():
    assert mark_of(["snakemake", "--cores", "2"]) is None
    assert mark_of(JOB) != mark_of([word.replace("00000", "00001") for word in JOB])
    assert mark_of(JOB) == mark_of([*JOB, "--attempt", "2"])
    assert [attempt_of(JOB), attempt_of([*JOB, "--attempt", "2"])] == [1, 2]
