"""The config for real people: an overlay that passes every check, and the paper's models go without what it adds."""

import pytest

from dheads_model.config import build
from dheads_model.diffusion.sampling import SamplingSettings
from dheads_model.training.settings import run_settings
from tests.conftest import TINY
from tests.factories.configs import laid
from tests.workflow import ROOT, plan
from workflow_scripts.planning.config_check import check_config


def test_the_default_has_a_lip_reader_and_drawn_blinks_and_needs_no_guidance():
    config = laid()
    network = run_settings(config["runs"]["ours"]).network
    assert network.lip_reader and network.audio_norm and network.eye_condition
    sampling = build(SamplingSettings, config["methods"]["ours"]["sampling"], "sampling")
    assert sampling.guidance_scale == 1 and sampling.blinks_per_second > 0


def test_real_people_are_trained_with_a_lip_reader_and_sampled_without_grain():
    config = laid("folder", "real")
    check_config(config)
    run, sampling = (
        run_settings(config["runs"]["ours"]),
        build(SamplingSettings, config["methods"]["ours"]["sampling"], "sampling"),
    )
    assert run.dataset == "folder" and run.network.lip_reader and run.network.audio_norm
    assert run.network.eye_condition and run.network.face_reader and run.training.face_weight > 0
    # Below these levels networks with patches of 2 and 4 pixels leave grain, docs/experiments.md.
    assert sampling.sigma_min >= {2: 0.3, 4: 0.5}[run.network.patch] and sampling.blinks_per_second > 0
    assert sampling.guidance_scale == 1 or run.conditioning_augmentation.audio_drop > 0


@pytest.mark.parametrize("overlays", [("paper_crema",), ("paper_crema", "published_crema")])
def test_the_paper_s_models_have_neither(overlays):
    run = run_settings(laid(*overlays)["runs"]["ours"])
    assert not run.network.lip_reader and not run.network.audio_norm and run.training.audio_lr_scale == 1
    assert not run.network.eye_condition and not run.network.face_reader


def test_grid_is_trained_and_sampled_with_the_same_settings_but_gain_and_guidance():
    """config/grid.yaml repeats config/real.yaml, so that one file is enough: change both."""
    grid, real = laid("grid"), laid("folder", "real")
    ours = real["runs"]["ours"]
    ours = ours | {"dataset": "grid", "network": ours["network"] | {"lip_gain": 1.0}}
    sampling = real["methods"]["ours"]["sampling"] | {"guidance_scale": 2.0}
    assert grid["runs"] == real["runs"] | {"ours": ours}
    assert grid["methods"] == real["methods"] | {"ours": real["methods"]["ours"] | {"sampling": sampling}}
    assert grid["crop"] == real["crop"]
    check_config(grid)


def test_a_regression_is_fitted_once_and_has_a_row_without_videos(tmp_path):
    wanted = ("--configfile", str(TINY), "--config", "methods={linear: {kind: linear_regression}}")
    jobs = plan(ROOT, tmp_path, *wanted, "--", "all", "results/figures/methods_embedded.png", "results/per_speaker.csv")
    assert (jobs["fit_linear_regression"], jobs["measure_linear_regression"]) == (1, 1)
    for rule in ("measure_videos", "extract_features", "measure_distances"):
        assert jobs[rule] == 3
    assert (jobs["sample_videos"], jobs["copy_reference"], jobs["draw_strips"]) == (1, 2, 2)
