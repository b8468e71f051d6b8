"""The configs of the paper's models: they pass every check, plan, and hold what the paper and its authors state."""

import pytest
import torch

from dheads_model.config import build
from dheads_model.diffusion.sampling import SamplingSettings
from dheads_model.network.talking_model import parameter_count
from dheads_model.network.unet import UNet
from dheads_model.training.settings import RunSettings, learning_rate, run_settings
from tests.factories.configs import laid
from tests.lrw_fixtures import make_tree
from tests.workflow import ROOT, snakemake
from workflow_scripts.planning.config_check import check_config
from workflow_scripts.planning.plan import WorkPlan, make_work_plan


def planned(*overlays: str) -> tuple[WorkPlan, RunSettings, SamplingSettings]:
    config = laid(*overlays)
    check_config(config)
    sampling = build(SamplingSettings, config["methods"]["ours"]["sampling"], "sampling")
    return make_work_plan(config), run_settings(config["runs"]["ours"]), sampling


def unet_parameters(run: RunSettings) -> int:
    with torch.device("meta"):
        return parameter_count(UNet(run.network))


def check_stated(run: RunSettings, sampling: SamplingSettings) -> None:
    """What holds of all of the paper's models (sections 4 and 5, its code's config, the authors' answers)."""
    network, training = run.network, run.training
    assert (network.image_size, network.base_channels, network.channel_multiples) == (128, 256, (1, 2, 3))
    assert (network.residual_blocks, network.head_channels, network.dropout, network.patch) == (2, 64, 0.1, 1)
    assert (network.motion_frames, network.audio_radius, network.audio_channels) == (2, 2, 256)
    assert network.learned_variance
    assert (run.diffusion.parameterization, run.diffusion.timesteps) == ("ddpm", 1000)
    assert (training.batch_size, training.lip_weight, training.vlb_weight) == (80, 0.2, 1e-4)
    assert (training.adam_betas, training.gradient_clip, training.ema_decay) == ((0.9, 0.999), None, 0)
    assert training.muon_learning_rate is None
    rates = [learning_rate(training, images) for images in (0, training.images // 18 + 1, training.images - 1)]
    assert rates == pytest.approx([5e-5, 4e-5, 5e-5 * 0.8**17])
    assert rates[-1] * 0.8 < 1e-6
    assert not training.flip
    assert training.mouth_box is None
    assert (
        run.conditioning_augmentation.motion_noise,
        run.conditioning_augmentation.patch_drop,
        run.conditioning_augmentation.audio_drop,
    ) == (0, 0, 0)
    assert (sampling.sampler, sampling.steps, sampling.guidance_scale) == ("ancestral_ddpm", 200, 1)
    assert (sampling.motion_noise, sampling.anchor_every) == (0, 0)


def test_crema_d_as_in_the_paper():
    plan, run, sampling = planned("paper_crema")
    check_stated(run, sampling)
    assert plan.trained_runs() == ["ours"]
    assert plan.count("crema_d", "test") == 820
    assert (run.compat, run.network.time_frequencies, run.lip_frame) == ("paper", "standard", "target")
    assert run.network.motion_channels == 3
    assert unet_parameters(run) == 203_929_094
    assert abs(run.training.images / (plan.count("crema_d", "train") + plan.count("crema_d", "val")) - 3000) < 100


def test_lrw_as_in_the_paper(tmp_path):
    config = laid("lrw", "paper_crema", "paper_lrw")
    check_config(config)
    run = run_settings(config["runs"]["ours"])
    check_stated(run, build(SamplingSettings, config["methods"]["ours"]["sampling"], "sampling"))
    assert config["datasets"] == ["lrw"]
    assert config["sharding"] == laid("lrw")["sharding"]
    assert (run.dataset, run.compat, run.network.motion_channels) == ("lrw", "paper", 1)
    assert unet_parameters(run) == 203_919_878
    assert run.training.images == pytest.approx(112 * 488_766, rel=1e-3)
    # With a tree of a few clips the run has too few to train; with as few as those it is planned.
    config["lrw"]["path"] = str(make_tree(tmp_path, media=b"not opened"))
    plan = make_work_plan(config)
    assert (plan.count("lrw", "train"), plan.trained_runs()) == (5, [])
    config["runs"]["ours"]["min_clips"] = 5
    assert make_work_plan(config).trained_runs() == ["ours"]


def test_crema_d_as_in_the_published_code():
    _, run, sampling = planned("paper_crema", "published_crema")
    check_stated(run, sampling)
    assert (run.compat, run.network.time_frequencies, run.lip_frame) == ("published", "published", "identity")
    assert unet_parameters(run) == 215_739_398


def test_the_demonstration_is_for_one_gpu():
    plan, run, sampling = planned("demonstration")
    assert plan.trained_runs() == ["ours"]
    assert (plan.count("embedded", "train"), plan.count("embedded", "test")) == (160, 16)
    assert run.gpus == 1 and run.training.compiled and run.network.image_size == 128
    assert sampling.guidance_scale == 1


def test_videos_are_measured_by_the_detector_that_tracked_their_clips(tmp_path):
    (tmp_path / "given").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "given" / f"{name}.mp4").write_bytes(b"not opened")
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(
        "track: {backend: face-alignment, precision: bfloat16, gpus: 1}\nsharding: {clips_per_shard: 3}\n"
    )
    done = snakemake(
        ROOT, tmp_path, "--dry-run", "--printshellcmds",
        "--configfile", str(ROOT / "config/folder.yaml"), str(overlay), "--config", "clips=given",
        "--", "results/metrics/ground_truth/folder/00000.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (command,) = [line for line in done.stdout.splitlines() if "workflow_scripts.measure_videos" in line]
    for setting in ('"backend": "face-alignment"', '"precision": "bfloat16"'):
        assert setting in command
    (job,) = [block for block in done.stdout.split("\n\n") if "workflow_scripts.measure_videos" in block]
    assert "2DFAN4-11f355bf06.pth.tar" in job and "gpu=1" in job
