"""A job that fails in the middle, its cause mended, the same command again: the result is that of an undisturbed run."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import TINY, FinishedRun
from tests.workflow import edit, plan, snakemake

pytestmark = pytest.mark.slow

# The command module is left out of the code digests, so a fault that is put there looks to the workflow like bad luck.
FAULT = """
    if any(all(word in " ".join(sys.argv) for word in line.split()) for line in open("faults.txt")):
        sys.exit("error: made to fail by a test")
"""
RETRAINED = {"runs": {"ours": {"training": {"seed": 2}}}}
RECROPPED = {"crop": {"crf": 11}}
PRODUCTS = ("table1.csv", "table1.md", "table1.provenance.json", "data_card.csv", "runs/ours/model.sha256")


@pytest.fixture(scope="module")
def start(finished, tmp_path_factory) -> FinishedRun:
    """A copy of the finished run whose commands fail when they are told to."""
    folder = tmp_path_factory.mktemp("failing")
    finished.copied(folder)
    edit(
        folder / "project/workflow_scripts/command.py",
        "    arguments = parser.parse_args()\n",
        FAULT.lstrip("\n") + "    arguments = parser.parse_args()\n",
    )
    (folder / "work/faults.txt").touch()
    assert plan(folder / "project", folder / "work", "--configfile", str(TINY)) == {}
    return FinishedRun(folder / "project", folder / "work")


def run(start: FinishedRun, work: Path, overlay: dict, *arguments: str):
    (work / "overlay.yaml").write_text(json.dumps(overlay))
    return snakemake(
        start.project, work, "--cores", "2", "--configfile", str(TINY), str(work / "overlay.yaml"), *arguments
    )  # fmt: skip


def copied(start: FinishedRun, folder: Path) -> Path:
    shutil.copytree(start.work, folder / "work")
    return folder / "work"


def products(work: Path) -> dict[str, bytes]:
    return {name: (work / "results" / name).read_bytes() for name in PRODUCTS}


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory):
    """Function that gives the products of an undisturbed run with an overlay."""
    known: dict[str, dict[str, bytes]] = {}

    def of(overlay: dict) -> dict[str, bytes]:
        key = json.dumps(overlay)
        if key not in known:
            work = copied(start, tmp_path_factory.mktemp("undisturbed"))
            done = run(start, work, overlay)
            assert done.returncode == 0, done.stdout + done.stderr
            known[key] = products(work)
            assert known[key]["runs/ours/model.sha256"] != products(start.work)["runs/ours/model.sha256"]
        return known[key]

    return of


@pytest.mark.parametrize(
    ("overlay", "fault", "arguments"),
    [
        (RETRAINED, "workflow_scripts/train_model", ()),
        (RETRAINED, "workflow_scripts/sample_videos", ()),
        (RETRAINED, "workflow_scripts/measure_videos --method ours", ()),
        (RECROPPED, "workflow_scripts/crop_faces 00001", ("--keep-going",)),
        (RECROPPED, "workflow_scripts/crop_faces", ("--keep-going",)),
    ],
    ids=["training", "sampling", "measuring", "one crop of three", "all crops"],
)
def test_a_failed_job_leaves_no_old_result(start, undisturbed, tmp_path, overlay, fault, arguments):
    work = copied(start, tmp_path)
    (work / "faults.txt").write_text(fault + "\n")
    failed = run(start, work, overlay, *arguments)
    assert failed.returncode != 0
    assert "made to fail by a test" in failed.stdout + failed.stderr
    (work / "faults.txt").write_text("")
    for target in ((), ("--", "results/table1.csv")) if overlay is RECROPPED else ((),):
        done = run(start, work, overlay, *target)
        assert done.returncode == 0, done.stdout + done.stderr
    assert products(work) == undisturbed(overlay)
    assert plan(start.project, work, "--configfile", str(TINY), str(work / "overlay.yaml")) == {}


@pytest.mark.parametrize("target", ["results/table1.csv", "results/strips/ours_embedded_00002.png"])
def test_a_product_alone_is_made_again_after_a_failure(start, tmp_path, target):
    work = copied(start, tmp_path)
    before = (work / target).read_bytes()
    (work / "faults.txt").write_text("workflow_scripts/sample_videos\n")
    assert run(start, work, RETRAINED, "--", target).returncode != 0
    (work / "faults.txt").write_text("")
    done = run(start, work, RETRAINED, "--", target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (work / target).read_bytes() != before


@pytest.mark.parametrize(
    "lost",
    [
        "resources/embedded/shards/train/00000.tar",
        "resources/embedded/crop/00001.json",
        "results/metrics/ours/embedded/00002.parquet",
        "results/runs/ours/model.safetensors",
        "results/videos/ours/embedded/1003_IEO_HAP_XX.mp4",
    ],
)
def test_a_lost_file_is_made_again_by_the_same_command(start, tmp_path, lost):
    work = copied(start, tmp_path)
    if lost.endswith(".mp4"):
        lost = str(next((work / "results/videos/ours/embedded").glob("*.mp4")).relative_to(work))
    whole, before = (work / lost).read_bytes(), products(work)
    (work / lost).unlink()
    done = run(start, work, {}, "--", "results/table1.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (work / lost).read_bytes() == whole
    assert products(work) == before
    assert plan(start.project, work, "--configfile", str(TINY), str(work / "overlay.yaml")) == {}


def test_a_mixture_is_refused_in_one_sentence(start, tmp_path):
    # Snakemake is told to look at times alone, so it keeps what was made with other settings.
    work = copied(start, tmp_path)
    (work / "results/table1.csv").unlink()
    done = run(start, work, RECROPPED, "--rerun-triggers", "mtime", "--", "results/table1.csv")
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "was made with other settings than the config has now (crf)" in output
    assert "delete it and run the same command again" in output
    assert "Traceback" not in output
    assert not (work / "results/table1.csv").exists()


def test_edited_training_code_is_trained(start, tmp_path):
    project, work = tmp_path / "project", copied(start, tmp_path)
    shutil.copytree(start.project, project)
    before, states = products(work), set((work / "state/ours").iterdir())
    edit(
        project / "dheads_model/training/objective.py",
        "return BatchLoss(total, by_sample.detach(), bins, total.detach()[None])",
        "return BatchLoss(-total, by_sample.detach(), bins, total.detach()[None])",
    )
    edited = FinishedRun(project, work)
    done = run(edited, work, {})
    assert done.returncode == 0, done.stdout + done.stderr
    assert products(work)["runs/ours/model.sha256"] != before["runs/ours/model.sha256"]
    assert set((work / "state/ours").iterdir()) > states
    history = json.loads((work / "results/runs/ours/model.json").read_text())["history"]
    assert [turn["from_image"] for turn in history] == [0]


def test_one_clip_more_is_trained_without_deleting_anything(start, tmp_path):
    work = copied(start, tmp_path)
    data = json.loads((work / "resources/embedded/index.json").read_text())["fingerprint"]
    done = run(start, work, {"embedded": {"actors": 4}}, "--", "results/table1.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    (turn,) = json.loads((work / "results/runs/ours/model.json").read_text())["history"]
    assert turn["data"] != data
    assert len(list((work / "state/ours").iterdir())) == 2
