"""Trainings with several seeds: what the config makes of them, and their mean and spread."""

import copy
from io import StringIO

import pandas as pd
import pytest
import yaml

from dheads_model.errors import UserError
from dheads_model.metrics.distribution import SetMeasurement
from dheads_model.stages.distances import MethodDistances
from dheads_model.tables.distance_cells import with_distances
from dheads_model.tables.seeds import make_spreads, to_csv, to_markdown
from dheads_model.tables.table1 import make_rows
from tests.factories.tables import rows_of
from tests.workflow import ROOT
from workflow_scripts.planning.plan import make_work_plan
from workflow_scripts.planning.training_seeds import repeats_of, with_seeds


@pytest.fixture
def config() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


def seeded(config, **seeds) -> dict:
    return with_seeds({**config, "training_seeds": seeds})


def test_the_default_config_stays_as_it_is(config):
    assert with_seeds(config) == config
    assert repeats_of("ours", config) == []


def test_each_further_seed_is_a_run_and_a_row_of_its_own(config):
    before = copy.deepcopy(config)
    made = seeded(config, ours=[1, 2, 3])
    assert config == before
    assert list(made["runs"]) == ["ours", "ours_seed2", "ours_seed3"]
    assert made["runs"]["ours"] == config["runs"]["ours"], "the run itself is trained as without them"
    assert made["runs"]["ours_seed3"]["training"] == {**config["runs"]["ours"]["training"], "seed": 3}
    assert list(made["methods"]) == ["ours", "ours_seed2", "ours_seed3", "ground_truth", "frozen_first_frame"]
    assert made["methods"]["ours_seed2"] == {**config["methods"]["ours"], "run": "ours_seed2"}
    assert repeats_of("ours", made) == [("ours", 1), ("ours_seed2", 2), ("ours_seed3", 3)]
    assert repeats_of("ground_truth", made) == []
    assert make_work_plan(made).trained_runs() == ["ours", "ours_seed2", "ours_seed3"]
    assert with_seeds(made) == made, "a job that reads the config again finds nothing to add"


@pytest.mark.parametrize(
    ("seeds", "sentence"),
    [
        ({"our": [1, 2]}, r"training_seeds\.our names a run that runs does not define; there are ours"),
        ({"ours": [2, 3]}, r"training_seeds\.ours is \[2, 3\]; add the run's own seed 1"),
    ],
)
def test_seeds_that_do_not_fit_are_refused(config, seeds, sentence):
    with pytest.raises(UserError, match=sentence):
        seeded(config, **seeds)


def test_a_name_that_is_taken_and_a_given_model_are_refused(config):
    config["methods"]["ours_seed2"] = {"kind": "frozen_first_frame"}
    with pytest.raises(UserError, match=r"methods\.ours_seed2 is also the name of a repeat"):
        seeded(config, ours=[1, 2])
    with pytest.raises(UserError, match="so no seeds are trained; remove it or training_seeds"):
        seeded({**config, "model": "m.safetensors"}, ours=[1, 2])


@pytest.fixture
def spreads():
    tables = [
        rows_of("psnr", "ours", [20.0, 22.0]), rows_of("psnr", "ours_seed2", [23.0, 25.0]),
        rows_of("psnr", "ours_seed3", [26.0, None]), rows_of("psnr", "ground_truth", [None, None]),
        rows_of("head_motion", "ours", [0.02, 0.04]), rows_of("head_motion", "ours_seed2", [0.05, 0.05]),
        rows_of("head_motion", "ours_seed3", [None, None]), rows_of("head_motion", "ground_truth", [0.01, 0.03]),
    ]  # fmt: skip
    methods = ("ours", "ours_seed2", "ours_seed3", "ground_truth")
    kinds = {name: "ground_truth" if name == "ground_truth" else "model" for name in methods}
    found = [
        MethodDistances(
            "embedded", name, "effnet_lite0", "",
            (SetMeasurement("kernel_effnet_lite0", value, (2, 2), (16, 16)),),
        )
        for name, value in zip(methods, (1.0, 2.0, 3.0, 0.25), strict=True)
    ]  # fmt: skip
    rows = with_distances(make_rows(pd.concat(tables), kinds, {}, "ours"), found, {})
    return make_spreads(rows, {"ours": [("ours", 1), ("ours_seed2", 2), ("ours_seed3", 3)]})


def test_mean_and_spread_are_over_trainings(spreads):
    found = {spread.column.metric: spread for spread in spreads}
    assert set(found) == {"head_motion", "kernel_effnet_lite0", "psnr"}
    motion, distance, psnr = (found[metric] for metric in sorted(found))
    assert (distance.by_seed, distance.mean, distance.sd, distance.truth) == ({1: 1.0, 2: 2.0, 3: 3.0}, 2.0, 1.0, 0.25)
    assert psnr.by_seed == {1: 21.0, 2: 24.0, 3: 26.0}
    assert psnr.mean == pytest.approx(71 / 3)
    assert psnr.sd == pytest.approx(2.516611)
    assert (psnr.truth, motion.truth) == (None, pytest.approx(0.02))
    assert motion.by_seed == {1: pytest.approx(0.03), 2: 0.05}, (
        "a training of which nothing was measured counts as none"
    )


def test_csv_and_markdown_tell_the_same(spreads):
    table = pd.read_csv(StringIO(to_csv(spreads))).set_index("metric")
    assert table.loc["psnr", ["trainings", "least", "greatest", "seed_2"]].tolist() == [3, 21, 26, 24]
    assert table.loc["head_motion", "trainings"] == 2
    page = to_markdown(spreads)
    assert "## embedded: ours, 3 trainings" in page
    assert "| PSNR | ↑ | 23.67 ± 2.52 | 21.00 | 24.00 | 26.00 | – |" in page
    assert "| head motion | ≈ | 0.0400 ± 0.0141 (n = 2) | 0.0300 | 0.0500 | – | 0.0200 |" in page


def test_without_seeds_there_is_no_table():
    with pytest.raises(UserError, match=r"add --configfile config/seeds\.yaml"):
        make_spreads(make_rows(rows_of("psnr", "ours", [1.0]), {"ours": "model"}, {}, "ours"), {})
