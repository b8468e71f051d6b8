"""A metric and a sampler are one module each: written into a copy of the project, they are checked, planned and computed."""

import json
import subprocess
import sys

import pytest

from tests.conftest import TINY
from tests.workflow import copy_project, plan

pytestmark = pytest.mark.slow

METRIC = '''
"""How bright a video is."""

from dheads_model.metrics.clip_metric import ClipMetric
from dheads_model.metrics.column import CLOSEST, Column
from dheads_model.metrics.measurement import Measurement

METRIC = ClipMetric(
    place=75,
    measure=lambda clip: [Measurement("brightness", float(clip.frames.mean()))],
    columns=(Column("brightness", "brightness", CLOSEST, 1, "mean of all bytes"),),
    weights=(),
)
'''
MEASURE = """
import numpy as np
import pandas as pd
from dataclasses import asdict
from dheads_model.metrics.clip import measure_clip
from dheads_model.tables.table1 import make_rows, to_csv, to_markdown

video = np.full((3, 32, 32, 3), 40, np.uint8)
points = np.zeros((3, 68, 2), np.float32)
found = measure_clip(video, video, np.zeros(1920, np.int16), points, np.zeros(3, bool), points, True)
about = {"dataset": "d", "method": "ground_truth", "clip": "c", "speaker": "s", "frames": 3}
rows = make_rows(pd.DataFrame([about | asdict(one) for one in found]), {"ground_truth": "ground_truth"}, {}, "x")
print(to_csv(rows).splitlines()[0])
print(to_markdown(rows, []))
"""
SAMPLER = '''
"""Straight to the last level."""

from dheads_model.diffusion.sampler import Sampler

SAMPLER = Sampler(solve=lambda denoise, x, sigmas, draw, eta: denoise(x, sigmas[0]), evaluations=lambda steps: 1)
'''
SAMPLE = """
import dataclasses
import torch
from dheads_model.config import build
from dheads_model.diffusion.conditions import Conditions
from dheads_model.diffusion.sampling import sample_frame
from dheads_model.diffusion.settings import UNGUIDED
from dheads_model.network.settings import DiffusionSettings, NetworkSettings
from dheads_model.network.talking_model import TalkingModel

torch.manual_seed(0)
network = NetworkSettings(
    image_size=16, base_channels=16, channel_multiples=(1, 2), residual_blocks=1, attention_sizes=(), head_channels=16,
    norm_groups=4, noise_level_input=False)
model = TalkingModel(network, DiffusionSettings()).eval()
evaluated = []
model.register_forward_hook(lambda *_: evaluated.append(1))
motion = network.motion_frames * network.motion_channels
conditions = Conditions(
    torch.zeros(1, 3, 16, 16), torch.zeros(1, motion, 16, 16),
    torch.zeros(1, network.audio_frames, 4, network.feature_bands))
with torch.no_grad():
    settings = dataclasses.replace(UNGUIDED, sampler="one_step", steps=9)
    frame = sample_frame(model, conditions, settings, lambda i: torch.randn(1, 3, 16, 16))
print(tuple(frame.shape), len(evaluated))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("registered") / "project")


def answer(project, *arguments) -> str:
    """What Python, called in the project, prints."""
    done = subprocess.run([sys.executable, *arguments], cwd=project, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_a_new_metric_is_computed_and_stands_in_the_table_and_its_legend(project, tmp_path):
    header, before = answer(project, "-c", MEASURE).split("\n", 1)
    module = project / "dheads_model/metrics/per_clip/brightness.py"
    module.write_text(METRIC)
    new_header, table = answer(project, "-c", MEASURE).split("\n", 1)
    (column,) = [line for line in table.splitlines() if line.startswith("| brightness | ≈")]
    assert "40.0" in column
    assert "| brightness | mean of all bytes |" in table
    # In its place, and no other cell changed.
    names = new_header.split(",")
    assert names[names.index("brightness") - 1] == "ms_ssim_difference_high"
    assert [name for name in names if not name.startswith("brightness")] == header.split(",")
    assert [line for line in table.splitlines() if "brightness" not in line] == before.splitlines()
    # Its weights are not here: nothing fetches them on its own, and the cell says what to run.
    module.write_text(module.read_text().replace("weights=()", 'weights=("s3fd-619a316812.pth",)'))
    (column,) = [line for line in answer(project, "-c", MEASURE).splitlines() if line.startswith("| brightness | ≈")]
    assert "not computed: weights missing (snakemake --cores 1 resources/weights/s3fd-619a316812.pth)" in column
    assert "fetch_weights" not in plan(project, tmp_path, "--configfile", str(TINY))
    # They are put there from the folder that the config names.
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "s3fd-619a316812.pth").touch()
    here = ("--configfile", str(TINY), "--config", f"weights={tmp_path / 'here'}")
    assert plan(project, tmp_path, *here)["fetch_weights"] == 1


def test_a_new_sampler_is_checked_planned_and_sampled_with(project, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"methods": {"ours": {"sampling": {"sampler": "one_step"}}}}))
    check = ("-m", "workflow_scripts.check_config", str(TINY), str(tmp_path / "mine.json"))
    assert "methods.ours.sampling.sampler is 'one_step'; it must be one of" in answer(project, *check)
    (project / "dheads_model/diffusion/solvers/one_step.py").write_text(SAMPLER)
    assert answer(project, *check) == "the config is right\n"
    counts = plan(project, tmp_path, "--configfile", str(TINY), str(tmp_path / "mine.json"))
    assert counts["sample_videos"] == 1
    assert answer(project, "-c", SAMPLE) == "(1, 3, 16, 16) 1\n"
