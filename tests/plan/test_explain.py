"""`explain` names the jobs that a dry run names after the change, and changes nothing itself."""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import TINY, FinishedRun
from tests.workflow import plan

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(finished, tmp_path_factory) -> FinishedRun:
    return finished.copied(tmp_path_factory.mktemp("explain"))


def explain(run, *arguments):
    done = subprocess.run(
        [
            sys.executable, "-m", "workflow_scripts.explain", *arguments, "--directory", str(run.work),
            "--configfile", str(TINY),
        ],
        cwd=run.project, env=os.environ | {"PYTHONPATH": str(run.project)}, capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def files_of(work):
    """All files but the cache of times that every dry run of Snakemake writes."""
    return sorted(path for path in work.rglob("*") if path.is_file() and "iocache" not in path.parts)


def jobs(text):
    return {rule: int(count) for rule, count in re.findall(r"^  (\w+) +(\d+)$", text, re.M)}


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        ("dheads_model/faces/align.py", "align_faces, crop_faces"),
        ("dheads_model/corpora/embedded/render.py", "synthesise_clips"),
        (
            "dheads_model/tables/table1.py",
            "verify_table, verify_tables, write_per_speaker, write_seeds, write_table1, write_table3",
        ),
    ],
)
def test_the_jobs_are_those_of_a_dry_run_after_the_edit(run, file, rules):
    listed = files_of(run.work)
    code, text = explain(run, file)
    assert code == 0, text
    assert f"{file}: code of {rules}" in text
    assert listed == files_of(run.work)
    path = run.project / file
    before = path.read_text()
    path.write_text(before + "\nEDITED = 1\n")
    try:
        planned = plan(run.project, run.work, "--configfile", str(TINY))
    finally:
        path.write_text(before)
    assert jobs(text) == planned != {}


def test_a_data_file_of_the_package_counts_and_a_file_that_no_job_uses_does_not(run):
    _, text = explain(run, "dheads_model/corpora/embedded/assets/person.png")
    assert jobs(text)["synthesise_clips"] == 3
    _, text = explain(run, "dheads_model/talker.py")
    assert "code of no rule" in text and "would run: 0 jobs" in text


def test_a_change_of_the_config_is_counted_by_giving_it(run):
    _, text = explain(run, "--config", "crop={crf: 11}")
    assert jobs(text)["crop_faces"] == 3 and "align_faces" not in jobs(text)


def test_what_cannot_be_explained_is_refused_in_one_sentence(run):
    for file, sentence in (
        ("rules/faces.smk", "error: rules/faces.smk has rules: edit it, then"),
        ("config/config.yaml", "error: config/config.yaml is no file of dheads_model or workflow_scripts"),
        ("nowhere.py", "error: there is no file nowhere.py"),
    ):
        code, text = explain(run, file)
        assert code == 2 and text.startswith(sentence)
    code, text = explain(run, "dheads_model/faces/align.py", "--config", "seed=x")
    assert code == 2 and text == "error: config key seed is 'x'; it must be of type integer.\n"
