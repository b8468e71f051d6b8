"""Tables and figures on request, through their rules."""

import json
import shutil

import cv2
import pandas as pd
import pytest

from dheads_model.tables.opinion import make_sheets
from tests.conftest import TINY
from tests.factories.tables import steps_result
from tests.workflow import ROOT, snakemake


def run(project, work, *arguments):
    done = snakemake(project, work, "--cores", "1", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_table_2_is_made_of_the_folder_of_votes_and_again_when_one_is_added(tmp_path):
    key = make_sheets(["ours", "ground_truth"], [f"c{n}" for n in range(4)], 2, 4, 1) | {"dataset": "embedded"}
    key["methods"] = ["ours", "ground_truth"]
    (tmp_path / "results").mkdir()
    (tmp_path / "results/opinion_study_key.json").write_text(json.dumps(key))
    (tmp_path / "votes").mkdir()

    def vote(rater):
        votes = [
            {"item": item, "real": key["items"][item]["method"] == "ground_truth"} for item in key["sheets"][rater]
        ]
        content = {"study": key["study"], "sheet": rater, "rater": f"r{rater}", "votes": votes}
        (tmp_path / f"votes/{rater}.json").write_text(json.dumps(content))

    def table():
        # The videos of the study are not here, only its key.
        wanted = ("--config", "opinion_study={votes: votes}", "--allowed-rules", "write_table2")
        run(ROOT, tmp_path, *wanted, "--", "results/table2.csv")
        return pd.read_csv(tmp_path / "results/table2.csv").set_index("method")

    vote(0)
    assert table().loc["ground_truth", ["votes", "raters", "real"]].tolist() == [2, 1, 1.0]
    vote(1)
    assert table().loc["ours", ["votes", "raters", "real"]].tolist() == [4, 2, 0.0]
    for form in ("md", "tex", "html"):
        assert "68.72" in (tmp_path / f"results/table2.{form}").read_text()


def test_the_curves_of_the_step_benchmark_are_drawn_from_its_result(tmp_path):
    (tmp_path / "results/benchmarks").mkdir(parents=True)
    (tmp_path / "results/benchmarks/steps.json").write_text(json.dumps(steps_result("2", "10")))
    run(ROOT, tmp_path, "--allowed-rules", "plot_steps", "--", "results/figures/steps.png")
    assert cv2.imread(str(tmp_path / "results/figures/steps.png")).std() > 10


@pytest.mark.slow
def test_means_of_each_speaker_and_the_figures_of_a_finished_run(finished, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(finished.work, work, symlinks=True)
    run(
        finished.project, work, "--configfile", str(TINY), "--", "results/per_speaker.csv",
        "results/figures/methods_embedded.png",
    )  # fmt: skip
    table = pd.read_csv(work / "results/per_speaker.csv")
    assert list(table["method"]) == ["ours", "ground_truth", "frozen_first_frame"] and (table["clips"] == 1).all()
    assert table.loc[1, "mouth_truth_correlation"] > 0.95 and table.loc[2, "mouth_truth_correlation"] == 0
    for name in ("methods_embedded", "flow_embedded"):
        assert cv2.imread(str(work / f"results/figures/{name}.png")).std() > 10
