"""An export written before config keys got today's names is read and sampled as it was then."""

from pathlib import Path

import numpy as np
import torch

from dheads_model.config import build
from dheads_model.diffusion.conditions import to_model_range
from dheads_model.diffusion.rollout import clip_seed, rollout
from dheads_model.diffusion.settings import SamplingSettings
from dheads_model.network.export import load_export
from dheads_model.training.settings import run_settings

DATA = Path(__file__).with_name("data")


def test_a_model_of_format_1_is_sampled_as_when_it_was_written():
    model, config, facts = load_export(DATA / "export_format_1.safetensors")
    io = np.load(DATA / "export_format_1_io.npz")
    sampling = build(SamplingSettings, facts["methods"]["ours"], "methods.ours")
    assert (sampling.guidance_scale, model.diffusion_settings.residual_to) == (5.0, "identity")
    run = run_settings(config)
    assert (run.conditioning_augmentation.mouth_drop, run.training.gradient_accumulation) == (1.0, 2)
    features = [torch.from_numpy(io["features"].reshape(-1, 4, 80))]
    identity = to_model_range(torch.from_numpy(io["frame"])[None])
    (video,) = rollout(model, identity, features, sampling, [clip_seed(1, "a")], 1)
    assert np.abs(video.astype(int) - io["video"]).max() <= 1
