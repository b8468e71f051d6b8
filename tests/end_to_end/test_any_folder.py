"""The checkout, the work directory, the clips and the model may lie in folders of any name."""

import pytest
import yaml

from tests.conftest import TINY
from tests.workflow import copy_project, plan, snakemake, write_model_header

pytestmark = pytest.mark.slow
NAME = "My Müller (v2) {x} it's"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("any") / NAME)


def test_real_jobs_run_from_such_a_checkout_in_such_a_folder(project, tmp_path):
    work = tmp_path / NAME
    work.mkdir()
    # A file of a person's own that is named as a module of the standard library is.
    (work / "timeit.py").write_text("raise RuntimeError('not this one')")
    done = snakemake(
        project, work, "--cores", "2", "--configfile", str(TINY), "--", "resources/embedded/track/00000.json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (work / "resources/embedded/track/00000.parquet").is_file()


def test_the_whole_graph_is_planned_with_clips_and_a_model_in_such_folders(project, tmp_path):
    work = tmp_path / NAME
    (work / "clips {a}").mkdir(parents=True)
    for number in range(3):
        (work / "clips {a}" / f"{number} {{b}} ü.mp4").write_bytes(b"no video")
    run = yaml.safe_load((project / "config/config.yaml").read_text(encoding="utf-8"))["runs"]["ours"]
    write_model_header(work / "a model (ü).safetensors", run)
    given = ("--configfile", str(project / "config/folder.yaml"), "--config", "clips=clips {a}")
    assert plan(project, work, *given, "model=a model (ü).safetensors")["sample_videos"] == 1
    done = snakemake(project, work, "--cores", "2", *given, "--", "resources/folder/source/00000.json")
    assert done.returncode == 0, done.stdout + done.stderr
    # The model named from elsewhere, so that its path is absolute, and the work directory below it.
    (tmp_path / "model {m}.safetensors").touch()
    refused = snakemake(project, work, "--dry-run", "--cores", "1", *given, "model=../model {m}.safetensors")
    assert refused.stderr.rstrip().endswith("takes for a wildcard: rename or copy the file.")
