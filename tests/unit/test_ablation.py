"""Table 3: what the config block makes of runs and methods, and the table beside the printed numbers."""

import copy
from io import StringIO

import pandas as pd
import pytest
import yaml

from dheads_model.errors import UserError
from dheads_model.tables.table1 import make_rows
from dheads_model.tables.table3 import table3_files
from tests.factories.tables import rows_of
from tests.workflow import ROOT, plan
from workflow_scripts.planning.ablation import ablation_rows, with_ablation
from workflow_scripts.planning.plan import make_work_plan
from workflow_scripts.planning.training_seeds import with_seeds


@pytest.fixture
def config() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


def with_block(config, **block) -> dict:
    config["ablation"] |= {"run": "ours", **block}
    return config


def test_the_default_config_has_no_ablation(config):
    assert with_ablation(config) == config
    assert ablation_rows(config) == []


def test_the_overlay_makes_the_papers_eight_rows_of_which_one_is_the_run_itself(config):
    config = with_block(config, **yaml.safe_load((ROOT / "config/ablation.yaml").read_text())["ablation"])
    before = copy.deepcopy(config)
    made = with_ablation(config)
    assert config == before
    assert [row["method"] for row in ablation_rows(made)] == [
        "ours_radius0_rgb", "ours_radius0_grey", "ours_radius1_rgb", "ours_radius1_grey", "ours_radius2_rgb", "ours",
        "ours_radius3_rgb", "ours_radius3_grey",
    ]  # fmt: skip
    changed = made["runs"]["ours_radius0_rgb"]["network"]
    assert changed == config["runs"]["ours"]["network"] | {"audio_radius": 0, "motion_channels": 3}
    assert made["runs"]["ours"] == config["runs"]["ours"], "its model is reused"
    assert made["methods"]["ours_radius0_rgb"] == {**config["methods"]["ours"], "run": "ours_radius0_rgb"}
    assert len(make_work_plan(made).trained_runs()) == 8
    assert with_ablation(made) == made, "a job that reads the config again finds nothing to add"


def test_an_empty_list_keeps_the_runs_own_value_and_motion_frames_can_vary(config):
    made = with_ablation(with_block(config, audio_radius=[], motion_channels=[], motion_frames=[1, 2]))
    assert list(made["runs"]) == ["ours", "ours_motion1"]
    assert ablation_rows(made) == [
        {"method": "ours_motion1", "motion_frames": 1}, {"method": "ours", "motion_frames": 2},
    ]  # fmt: skip


def test_a_varied_run_can_be_trained_with_seeds(config):
    config = with_block(config, audio_radius=[0], motion_channels=[])
    made = with_seeds(with_ablation({**config, "training_seeds": {"ours_radius0": [1, 2]}}))
    assert made["runs"]["ours_radius0_seed2"]["network"]["audio_radius"] == 0


def test_what_does_not_fit_is_refused(config):
    with pytest.raises(UserError, match=r"ablation\.run is theirs, which runs does not define; there are ours"):
        with_ablation(with_block(config, run="theirs"))
    with pytest.raises(UserError, match="so no ablation is trained"):
        with_ablation({**with_block(config), "model": "m.safetensors"})
    config["runs"]["ours_radius0_rgb"] = {}
    with pytest.raises(UserError, match=r"runs\.ours_radius0_rgb is also the name of a part of the ablation"):
        with_ablation(with_block(config))


ABLATION = [
    {"method": "ours_radius0_rgb", "audio_radius": 0, "motion_channels": 3},
    {"method": "ours", "audio_radius": 2, "motion_channels": 1},
]


def files(dataset):
    kinds = {"ours": "model", "ours_radius0_rgb": "model", "ground_truth": "ground_truth"}
    tables = [
        rows_of("mse", "ours", [100.0, 110.0, 120.0]), rows_of("mse", "ours_radius0_rgb", [200.0, 210.0, 220.0]),
        rows_of("cpbd", "ours", [0.1, 0.1, 0.1]), rows_of("cpbd", "ours_radius0_rgb", [0.3, 0.3, 0.3]),
        rows_of("cpbd", "ground_truth", [0.15, 0.15, 0.15]),
    ]  # fmt: skip
    rows = make_rows(pd.concat(tables).assign(dataset=dataset), kinds, {}, "ours")
    return table3_files(rows, ABLATION)


def test_the_table_has_our_rows_and_the_printed_ones():
    found = files("embedded")
    table = pd.read_csv(StringIO(found["csv"]))
    assert table[["audio_radius", "motion_channels", "method", "mse"]].values.tolist() == [
        [0, 3, "ours_radius0_rgb", 210.0], [2, 1, "ours", 110.0],
    ]  # fmt: skip
    page = found["md"]
    assert "| m_y = 2, grey (n = 3) | **0.1000 ± 0.0000** | **110 ± 10** |" in page, "CPBD nearest to the truth's"
    assert "printed in the paper, LRW (other data, not comparable)" in page
    assert "| m_y = 2, grey | **0.0925** | **1025** | **0.6225** | **19.11** | **2.530** | 0.77 |" in page
    assert "m_y = 2, grey" in found["html"]
    assert r"m\_y = 2, grey" in found["tex"]
    assert "not comparable" not in files("lrw")["md"]
    assert "not computed: not measured in this run" in page


def test_without_rows_there_is_no_table():
    rows = make_rows(rows_of("mse", "ours", [1.0, 2.0, 3.0]), {"ours": "model"}, {}, "ours")
    with pytest.raises(UserError, match="no method of the ablation was measured"):
        table3_files(rows, ABLATION[:1])


@pytest.mark.slow
def test_the_overlay_plans_eight_trainings_and_the_table(tmp_path):
    found = plan(ROOT, tmp_path, "--configfile", str(ROOT / "config/ablation.yaml"), "--", "results/table3.csv")
    assert (found["train_model"], found["sample_videos"], found["write_table3"]) == (8, 8, 1)
    assert "write_table1" not in found
